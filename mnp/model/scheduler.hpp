// Which command runs where and when: a pure state machine. Time comes in as an argument.
//
//   waiting -> in flight -> ran -> stored -> kept: succeeded, failed, timed out
//      ^          |  node lost, or a try that failed            \-> waiting (another try)
//      '----------'                                    third loss in flight -> poisoned
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "mnp/core/clock.hpp"
#include "mnp/core/ids.hpp"
#include "mnp/model/journal.hpp"
#include "mnp/model/record.hpp"
#include "mnp/model/spec.hpp"

namespace mnp::model {

/// The reason of a NodeLost that is no loss: the node has ended its commands and said so.
inline constexpr std::string_view kGoodbye = "goodbye";

struct SchedulerOptions {
  uint32_t commands = 0;
  uint32_t tries = 1;
  std::vector<int> retry_on;
  Distribution distribution = Distribution::kDynamic;
  uint32_t block_nodes = 1;  // nodes of the stage, for kBlock
  OnFailure on_failure = OnFailure::kContinue;
  uint64_t allowed_failures = 0;
  /// For longest first: seconds by command; empty for list order. A command without a hint (0)
  /// counts as the mean of those that have one: no hint is no promise that it is short, and a list
  /// of many unknowns must not push the known long ones to the end.
  std::vector<double> costs;
  Milliseconds backoff{1000};  // before the second try; doubles, at most 60 s
};

struct Counts {
  uint64_t waiting = 0, running = 0;  // running: dealt and not ran
  uint64_t ran = 0;                   // ran, not kept
  uint64_t succeeded = 0, failed = 0, timed_out = 0, poisoned = 0;
  uint64_t done() const { return succeeded + failed + timed_out + poisoned; }
  uint64_t bad() const { return failed + timed_out + poisoned; }
};

enum class CommandState : uint8_t {
  kWaiting,
  kInFlight,
  kRan,
  kSucceeded,
  kFailed,
  kTimedOut,
  kPoisoned
};

/// At most 100 bytes a command; at least a million deal-and-keep rounds a second on one core with
/// a thousand nodes (bench/scheduler).
class Scheduler {
 public:
  explicit Scheduler(SchedulerOptions options);
  ~Scheduler();

  /// Events of earlier attempts, in order, before the first node is added; the last one is this
  /// attempt's own Begun. `command` of each item has been translated to today's list by identity
  /// already (untranslatable ones are left out).
  void restore(const Event& event);
  /// After the last `restore`: everything still in flight counts as one loss of its node. Returns
  /// the commands that are poisoned by the end of an attempt and that no journal says so of yet:
  /// journal Poisoned for each.
  std::vector<CommandIndex> restored();

  /// The node must not be there in another incarnation: lose or remove that one first. The main
  /// node is dealt suspects only when it has no child and no other work.
  void add_node(NodeIndex node, Incarnation incarnation, uint32_t slots, bool is_main = false);
  /// What is in flight there is dealt again from `deal_again_at` on; a loss is counted for those
  /// that had been dealt and had not ran. Returns the commands that this poisons: journal Poisoned
  /// for each. Nothing happens when the node is not there.
  std::vector<CommandIndex> lose_node(NodeIndex node, TimePoint deal_again_at);
  /// These starts have never been sent to their node: they wait again, and no loss of the node
  /// counts for them. Those that have ended, or whose node is gone, are left alone.
  void take_back(NodeIndex node, Incarnation incarnation, const std::vector<StartId>& starts);
  /// After the node's goodbye: what it held is dealt again at once and no loss is counted. Journal
  /// NodeLost with the reason kGoodbye.
  void remove_node(NodeIndex node);
  /// No more deals to it; failures on it open again where they failed nowhere else. What is in
  /// flight there goes on: its successes count, its failures count for nothing.
  void declare_bad(NodeIndex node);
  /// A command that has failed for good, and on `not_on` alone, runs once more, on any other node:
  /// what it comes to replaces its failure. False: it cannot. Once no other node is left it has
  /// failed again.
  bool probe(CommandIndex command, NodeIndex not_on);
  /// kBlock: the node will not join, its slice is dealt to everybody. (A node that is lost, removed
  /// or bad gives up its slice by itself, for good.)
  void release_slice(NodeIndex node);

  struct NodeDeal {
    NodeIndex node;
    Incarnation incarnation;
    bool suspect = false;  // journal before sending
    std::vector<StartId> items;
  };
  /// What to send now. Prefetch: a node holds at most slots + a share of what is left that
  /// shrinks to nothing near the end, and grows with the measured rate at which it finishes. With
  /// kStop there is none: what a node has queued it would start after the failure.
  std::vector<NodeDeal> deal(TimePoint now);
  /// False: stopped, or (kStop) more have failed than allowed, as far as is known now. What has been
  /// dealt and not sent is better taken back then.
  bool dealing() const;
  /// When `deal` could have more without another event (backoff, a lost node's lease).
  std::optional<TimePoint> next_deal_time() const;

  /// The slot is free. False: not in flight there (an ended incarnation); ignore it. A stored
  /// record says `ran` too: call this for each, since the message before it may have died with its
  /// epoch. `failed`: with kStop nothing is dealt while this may be one failure too many; it may
  /// be said after the end, too.
  bool ran(NodeIndex node, Incarnation incarnation, CommandIndex command, uint32_t start,
           bool failed = false);

  enum class Verdict { kAccept, kDuplicate, kRefuse };
  /// May this record be journaled? kDuplicate: it is kept already, acknowledge it again. kRefuse:
  /// from an ended incarnation, an unknown start: never acknowledge.
  Verdict judge(const Record& record) const;
  /// The record is in the journal: the command is final, or waits for its next try. To be called
  /// for every record that is in the journal, also when its node was lost meanwhile.
  void kept(const Record& record, TimePoint now);

  /// Stops dealing (drain; on_failure: stop does it by itself).
  void stop_dealing();
  CommandState state(CommandIndex command) const;
  uint32_t starts(CommandIndex command) const;
  Counts counts() const;
  uint32_t nodes_usable() const;             // there and not bad
  uint32_t in_flight(NodeIndex node) const;  // dealt to it and not ran
  uint32_t unkept(NodeIndex node) const;     // ran on it and not kept
  /// Nothing is waiting, in flight or unkept; or dealing has stopped and nothing is in flight or
  /// unkept.
  bool finished() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mnp::model
