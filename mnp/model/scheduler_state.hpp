// What a Scheduler holds. Flat tables; a command is known by its index, a node by its place in
// `nodes`, which no attempt reuses: Batch's index names another machine in each attempt.
//
// A waiting command has at most one entry, in one of five places (Command::queued):
// clang-format off
//   delayed         not before a time: after a lost node, or between two tries
//   suspects        two losses: to be dealt alone
//   probes          it failed on a node that may be bad: to be tried on another; stays until that
//                   is known
//   retries         it failed: rather on another node
//   queue           everything else, in the order of dealing
// clang-format on
// Entries of the first three may outlive the waiting (a late record was kept): dropped when met.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "mnp/model/scheduler.hpp"
#include "mnp/model/scheduler_prefetch.hpp"
#include "mnp/model/scheduler_queue.hpp"

namespace mnp::model {

inline constexpr uint8_t kSuspectLosses = 2;    // dealt alone from here on
inline constexpr uint8_t kPoisonLosses = 3;     // not dealt again
inline constexpr uint32_t kMaxUnkept = 16384;   // a node's commands that ran and are not kept
inline constexpr size_t kMaxRetryScan = 16;     // retries looked at for one of another node
inline constexpr size_t kMaxSuspectNodes = 32;  // set apart for suspects at once
inline constexpr Milliseconds kMaxBackoff{60000};

struct Scheduler::State {
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Command {                            // 20 bytes
    uint32_t start = 0;                       // the newest
    uint32_t node = kNone;                    // of the newest start
    uint32_t next = kNone, previous = kNone;  // in the list of what the node holds
    uint16_t failures = 0;                    // tries used up
    CommandState state = CommandState::kWaiting;
    uint8_t losses : 2 = 0;
    bool busy : 1 = false;      // has a slot, or waits for one, on its node
    bool held : 1 = false;      // in its node's list: dealt and not kept
    bool recorded : 1 = false;  // the record of the newest start has been kept
    bool queued : 1 = true;     // has an entry in one of the five places
    bool failing : 1 = false;   // ran, and its record may say that it has failed for good
  };

  enum class Place : uint8_t { kNowhere, kReady, kStarved };
  struct Node {
    NodeIndex index;
    Incarnation incarnation;
    uint32_t slots = 0;
    uint32_t in_flight = 0, ran = 0;
    uint32_t first = kNone;  // of its list of commands
    uint32_t refill_at = 0;  // in flight: with more than that no deal is worth its message
    uint32_t idle = 0;       // its part of `idle_slots`
    uint32_t deal = 0;       // its place in the deal being made, from 1
    bool alive = false, bad = false, main = false;
    bool reserved = false;  // kept free for a suspect
    bool suspect = false;   // a suspect is in flight
    Place place = Place::kNowhere;
    uint32_t position = 0;  // in `starved`
    Pace pace;
    bool usable() const { return alive && !bad; }
    bool dealable() const { return usable() && !reserved && !suspect; }
  };

  struct Delayed {
    TimePoint when;
    uint32_t command;
    auto operator<=>(const Delayed&) const = default;
  };
  struct Probe {
    uint32_t command, not_on;
    CommandState was;  // how it had failed
    bool ready;        // waits to be dealt
  };
  struct Deals {
    std::vector<NodeDeal> list;
    std::vector<uint32_t> nodes;  // of each; kNone for a suspect's
  };

  explicit State(SchedulerOptions given);

  // scheduler.cpp: commands and their places
  void set_state(uint32_t command, CommandState state);
  void enqueue(uint32_t command);
  void delay(uint32_t command, TimePoint until);
  void wake(TimePoint now);
  bool dealing() const;
  uint64_t count(CommandState state) const { return counts[static_cast<size_t>(state)]; }

  // scheduler_nodes.cpp
  uint32_t find(NodeIndex index) const;  // kNone when it was never there in this attempt
  uint32_t find_live(NodeIndex index, Incarnation incarnation) const;
  uint32_t find_or_add(NodeIndex index);
  void hold(uint32_t command, uint32_t node);
  void let_go(uint32_t command);
  void free_slot(uint32_t command);  // it ran
  void vacate(uint32_t command);     // it is kept, or its node is gone
  void add_node(NodeIndex index, Incarnation incarnation, uint32_t slots, bool is_main);
  std::vector<CommandIndex> end_node(uint32_t id, bool lost, TimePoint deal_again_at);
  void declare_bad(NodeIndex index);
  void take_back(NodeIndex index, Incarnation incarnation, uint32_t command, uint32_t start);
  void reopen_failures();
  bool failed_on_good_node(uint32_t command) const;  // of one that failed
  void note_failure(uint32_t command, uint32_t node);
  void forget_failures(uint32_t command);
  void release_slice(NodeIndex index);
  void update_idle(Node& node);
  void make_ready(uint32_t id);
  void make_starved(uint32_t id);  // a node that is in neither list
  void take_census();

  // scheduler_deal.cpp
  std::vector<NodeDeal> deal(TimePoint now);
  void deal_all(TimePoint now, bool last_resort, Deals& deals);
  void fill(uint32_t id, TimePoint now, bool last_resort, Deals& deals);
  uint64_t room(Node& node, TimePoint now);
  uint64_t fair_share(const Node& node) const;
  uint64_t shared_work() const { return uint64_t{queue.shared_size()} + retries.size(); }
  uint32_t next_shared(uint32_t id, bool own_retries);
  uint32_t next_retry(uint32_t id, bool own_retries);
  void give(uint32_t id, uint32_t command, Deals& deals);

  // scheduler_suspects.cpp
  void deal_suspects(Deals& deals);
  void reserve_for_suspects();
  void release_main();
  void end_reservations();
  bool only_suspects_left() const;

  // scheduler_probes.cpp
  bool probe(uint32_t command, uint32_t not_on);
  void settle_probes();
  void deal_probes(Deals& deals);
  void end_probe(uint32_t command);
  Probe* find_probe(uint32_t command);
  bool other_than(uint32_t id) const;  // usable node
  uint32_t least_busy_but(uint32_t id) const;

  // scheduler_records.cpp
  bool ran(NodeIndex node, Incarnation incarnation, CommandIndex command, uint32_t start,
           bool failed);
  void note_failing(uint32_t command, uint32_t node, uint32_t start);
  Verdict judge(const Record& record) const;
  void kept(const Record& record, TimePoint now);
  void kept_late(const Record& record);
  void fail_try(uint32_t command, const Record& record, uint32_t node);
  bool worth_another_try(const Ending& ending) const;
  Milliseconds backoff(uint32_t failures) const;

  // scheduler_restore.cpp
  void restore(const Event& event);
  void replay(const Begun& begun);
  void replay(const NodeJoined& joined);
  void replay(const NodeLost& lost);
  void replay(const NodeBad& bad);
  void replay(const Dealt& dealt);
  void replay(const RecordKept& kept);
  void replay(const Poisoned& poisoned);
  void replay(const Ended& ended);
  void replay_incarnation(uint32_t id, Incarnation incarnation);
  void replay_lists_end(uint32_t id, bool lost, bool poisons);
  void end_attempt(bool lost);
  std::vector<CommandIndex> restored();

  SchedulerOptions options;
  std::vector<Command> commands;
  std::array<uint64_t, 7> counts{};  // by CommandState
  // Where a command failed, for nodes that turn out bad. Empty until the first failure, and until
  // the first failure of a command on a second node; from the third node on it is rare.
  std::vector<uint32_t> failed_on, failed_also_on;
  std::unordered_map<uint32_t, std::vector<uint32_t>> failed_further;

  CommandQueue queue;
  std::deque<uint32_t> retries, suspects;
  std::vector<Probe> probes;
  std::vector<Delayed> delayed;  // a heap, the earliest on top

  std::vector<Node> nodes;
  std::unordered_map<uint32_t, uint32_t> by_index;  // Batch's index -> place in `nodes`
  std::vector<uint32_t> ready;                      // may have room
  std::vector<uint32_t> starved;                    // have idle slots and found nothing to run
  std::vector<uint32_t> candidates;                 // deal_all's own, kept for its memory
  std::vector<uint32_t> reserved;                   // kept free for suspects
  uint64_t idle_slots = 0;                          // of nodes that may be dealt to
  uint64_t slots = 0;                               // of usable nodes
  uint32_t usable = 0, children = 0;                // children: usable ones
  uint32_t suspects_running = 0;
  uint64_t failing = 0;  // commands
  Spread spread;

  bool stopped = false;
  bool restoring = false;
  uint32_t replayed_main = kNone;         // of the attempt that is being restored
  std::vector<uint32_t> poisoned_by_end;  // of an attempt, with no Poisoned event so far
};

}  // namespace mnp::model
