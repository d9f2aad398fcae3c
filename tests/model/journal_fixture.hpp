// Events of every kind, and journals in a store of the test's own.
#pragma once

#include <string>
#include <vector>

#include "mnp/model/journal.hpp"
#include "mnp/model/ownership.hpp"

namespace mnp::model {

inline Record failed_record(uint32_t command, uint32_t start, uint32_t node = 0) {
  Record record;
  record.command = CommandIndex(command);
  record.start = start;
  record.node = NodeIndex(node);
  record.incarnation = Incarnation(1);
  record.ending = {Ending::Kind::kExited, 3};
  record.started = 1769871901.123456;
  record.ended = 1769871902.25;
  return record;
}

inline Record full_record() {
  Record record = failed_record(7, 2, 3);
  record.slot = SlotIndex(5);
  record.ending = {Ending::Kind::kSignalled, 9};
  record.cpu_seconds = 0.75;
  record.max_rss_kib = 123456;
  record.output = {4, uint64_t{1} << 40, 17, true};
  record.files = {{"a/b.npy", 12, 0xdeadbeef, false}, {"s \"q\" \xff\xc3\xa9\n", 0, 1, true}};
  record.error = "publish results: 'a' is there";
  return record;
}

inline Begun begun_of(uint32_t owner, uint32_t attempt = 1) {
  Begun begun{"r-1", "process", "job", attempt, OwnerNumber(owner), 10, 0xabcdef, false};
  return begun;
}

/// One of each kind at least, in the order of Event.
inline std::vector<Event> every_event() {
  Begun resumed = begun_of(2);
  resumed.fresh_failures = true;
  Record plain = failed_record(1, 1);
  plain.ending = {};
  Record timed_out = failed_record(2, 1);
  timed_out.ending = {Ending::Kind::kTimedOut, 0};
  Record not_started = failed_record(3, 1);
  not_started.ending = {Ending::Kind::kNotStarted, 2};
  return {begun_of(1),
          resumed,
          NodeJoined{NodeIndex(3), Incarnation(2), "ip-10-0-0-1", 8},
          NodeLost{NodeIndex(3), Incarnation(2), "silent for 5 s"},
          NodeBad{NodeIndex(3), "GPU 1: ECC"},
          EpochBegun{EpochNumber(2), {NodeIndex(0), NodeIndex(3)}},
          EpochBegun{EpochNumber(3), {}},
          Dealt{NodeIndex(3),
                Incarnation(2),
                {{CommandIndex(7), 2, 0x123}, {CommandIndex(8), 1, ~0ull}},
                false},
          Dealt{NodeIndex(3), Incarnation(2), {{CommandIndex(9), 3, 1}}, true},
          RecordKept{plain, 5},
          RecordKept{full_record(), 0x0123456789abcdef},
          RecordKept{timed_out, 6},
          RecordKept{not_started, 8},
          Poisoned{CommandIndex(9), 77},
          Reduced{{"sum.npy", 1000, 0xffffffff, false}},
          Ended{-1, "stopped by SIGTERM", 5.25},
          Sealed{OwnerNumber(4)}};
}

/// Commits `events` as one segment each group.
inline Status write_journal(Store& store, const std::string& prefix,
                            const std::vector<std::vector<Event>>& segments) {
  JournalWriter writer(store, prefix);
  for (const auto& events : segments) {
    for (const Event& event : events) writer.append(event);
    MNP_CHECK(writer.commit());
  }
  return {};
}

/// A store whose next calls can be made to fail.
class FaultyStore : public MemoryStore {
 public:
  int lose_answers = 0;    // put_new does its work and says kStore
  int refuse_puts = 0;     // put_new does nothing and says kStore
  std::string unreadable;  // get of this key says kStore
  bool down = false;       // list and get say kStore
  bool remote = false;

  Status put_new(const std::string& key, std::string_view bytes) override {
    if (refuse_puts > 0) {
      --refuse_puts;
      return fail(Code::kStore, "503 Slow Down");
    }
    auto done = MemoryStore::put_new(key, bytes);
    if (lose_answers > 0) {
      --lose_answers;
      return fail(Code::kStore, "the connection was cut");
    }
    return done;
  }
  Result<std::string> get(const std::string& key) override {
    if (down || key == unreadable) return fail(Code::kStore, "500 Internal Error");
    return MemoryStore::get(key);
  }
  bool is_remote() const override { return remote; }
  Result<std::vector<std::string>> list(const std::string& prefix) override {
    if (down) return fail(Code::kStore, "500 Internal Error");
    return MemoryStore::list(prefix);
  }
};

}  // namespace mnp::model
