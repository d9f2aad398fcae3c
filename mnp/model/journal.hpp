// The only state of a stage: JSON Lines in immutable segments (docs/journal.md, byte by byte).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mnp/core/ids.hpp"
#include "mnp/core/result.hpp"
#include "mnp/core/store.hpp"
#include "mnp/model/record.hpp"

namespace mnp::model {

struct Begun {  // first event of every attempt
  std::string run, stage, job;
  uint32_t attempt = 1;
  OwnerNumber owner;
  uint64_t commands = 0;
  uint64_t list_digest = 0;
  bool fresh_failures = false;  // `resume`: failed and poisoned commands run again, counts at 0
};
struct NodeJoined {
  NodeIndex node;
  Incarnation incarnation;
  std::string host;
  uint32_t slots = 0;
};
struct NodeLost {
  NodeIndex node;
  Incarnation incarnation;
  std::string reason;
};
struct NodeBad {
  NodeIndex node;
  std::string reason;
};
struct EpochBegun {
  EpochNumber epoch;
  std::vector<NodeIndex> nodes;
};
struct Dealt {
  NodeIndex node;
  Incarnation incarnation;
  struct Item {
    CommandIndex command;
    uint32_t start = 1;
    uint64_t identity = 0;  // CommandList::identities()
  };
  std::vector<Item> items;
  bool suspect = false;  // dealt alone
};
struct RecordKept {
  Record record;
  uint64_t identity = 0;
};
struct Poisoned {
  CommandIndex command;
  uint64_t identity = 0;
};
struct Reduced {  // one array of the reduction is in results/
  ResultFile file;
};
struct Ended {  // a goodbye: the last event of an attempt that ended in order
  int status = 0;
  std::string text;
  double silent = 0;  // seconds from here on in which a node without a goodbye may run commands
};
struct Sealed {  // written by a newer owner into this journal's next segment
  OwnerNumber by;
};

using Event = std::variant<Begun, NodeJoined, NodeLost, NodeBad, EpochBegun, Dealt, RecordKept,
                           Poisoned, Reduced, Ended, Sealed>;

struct JournalLine {
  uint64_t sequence = 0;  // from 1 in each journal, without gaps
  double time = 0;        // seconds since 1970
  Event event;
};

/// One line with its newline. The checksum covers every byte before it.
std::string encode_line(const JournalLine& line);
void append_line(std::string& out, const JournalLine& line);
/// kProtocol says what is wrong with the line.
Result<JournalLine> decode_line(std::string_view line);

/// Writes one attempt's journal. Not thread-safe; `commit` blocks on the store.
class JournalWriter {
 public:
  /// `prefix`: store key of the journal's folder, ".../attempts/<job>-<n>/journal".
  JournalWriter(Store& store, std::string prefix);
  void append(Event event);
  size_t pending_bytes() const { return buffer_.size(); }
  /// Writes what is pending as the next segment; nothing is acknowledged before it returns
  /// success. kSuperseded when a newer owner has sealed the journal; kStore when the store cannot
  /// commit: what is pending stays and may be tried again (after a lost answer the segment is
  /// read back and compared). Nothing pending: success, and no segment.
  Status commit();

 private:
  Status commit_segment();
  Store& store_;
  std::string prefix_;
  std::string buffer_;
  size_t offered_ = 0;  // bytes at its front that the store was given and has not acknowledged
  uint64_t next_sequence_ = 1;
  uint32_t next_segment_ = 1;
};

inline constexpr size_t kMaxDamages = 1000;  // named in one journal

/// What reading found that should not be there: named, never fatal.
struct Damage {
  std::string key;    // segment
  uint64_t line = 0;  // from 1; 0: the segment as a whole (missing, unreadable)
  std::string what;
};

struct JournalSummary {
  bool sealed = false;
  bool ended = false;           // with a goodbye
  uint32_t segments = 0;        // highest number found
  std::vector<Damage> damages;  // with any damage, deals that may hide in it are unknown
};

using LineCallback = std::function<void(const JournalLine&)>;
using DamageCallback = std::function<void(const Damage&)>;

/// Calls `each` for every sound line of one journal, in order, and `damaged` in its place between
/// them. A torn tail, a flipped byte, a missing, doubled or unreadable segment is a Damage. Lines
/// after a seal are not accepted. kStore only when the store itself does not answer.
Result<JournalSummary> read_journal(Store& store, const std::string& prefix,
                                    const LineCallback& each, const DamageCallback& damaged = {});

}  // namespace mnp::model
