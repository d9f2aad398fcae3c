// Which command runs where and when: a pure state machine. Time comes in as an argument.
//
//   waiting -> in flight -> ran -> stored -> kept: succeeded, failed, timed out
//      ^          |  node lost, or a try that failed            \-> waiting (another try)
//      '----------'                                    third loss in flight -> poisoned
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "mnp/core/clock.hpp"
#include "mnp/core/ids.hpp"
#include "mnp/model/journal.hpp"
#include "mnp/model/record.hpp"
#include "mnp/model/spec.hpp"

namespace mnp::model {

struct SchedulerOptions {
  uint32_t commands = 0;
  uint32_t tries = 1;
  std::vector<int> retry_on;
  Distribution distribution = Distribution::kDynamic;
  uint32_t block_nodes = 1;            // nodes of the stage, for kBlock
  OnFailure on_failure = OnFailure::kContinue;
  uint64_t allowed_failures = 0;
  std::vector<double> costs;           // for longest first: by command; empty for list order
  Milliseconds backoff{1000};          // before the second try; doubles, at most 60 s
};

struct Counts {
  uint64_t waiting = 0, running = 0;   // running: dealt and not ran
  uint64_t ran = 0;                    // ran, not kept
  uint64_t succeeded = 0, failed = 0, timed_out = 0, poisoned = 0;
  uint64_t done() const { return succeeded + failed + timed_out + poisoned; }
  uint64_t bad() const { return failed + timed_out + poisoned; }
};

enum class CommandState : uint8_t {
  kWaiting, kInFlight, kRan, kSucceeded, kFailed, kTimedOut, kPoisoned
};

/// At most 100 bytes a command; at least a million deal-and-keep rounds a second on one core with
/// a thousand nodes (bench/scheduler).
class Scheduler {
 public:
  explicit Scheduler(SchedulerOptions options);
  ~Scheduler();

  /// Events of earlier attempts, in order, before the first node is added. `command` of each item
  /// has been translated to today's list by identity already (untranslatable ones are left out).
  void restore(const Event& event);
  /// After the last `restore`: everything still in flight counts as one loss of its node.
  void restored();

  void add_node(NodeIndex node, Incarnation incarnation, uint32_t slots);
  /// What is in flight there is dealt again from `deal_again_at` on; the losses of those that had
  /// started are counted. Returns the commands that this poisons: journal Poisoned for each.
  std::vector<CommandIndex> lose_node(NodeIndex node, TimePoint deal_again_at);
  /// No more deals to it; failures on it open again where they failed nowhere else.
  void declare_bad(NodeIndex node);

  struct NodeDeal {
    NodeIndex node;
    Incarnation incarnation;
    bool suspect = false;  // journal before sending
    struct Item {
      CommandIndex command;
      uint32_t start = 1;
    };
    std::vector<Item> items;
  };
  /// What to send now. Prefetch: a node holds at most slots + a share of what is left that
  /// shrinks to nothing near the end, and grows with the measured rate at which it finishes.
  std::vector<NodeDeal> deal(TimePoint now);
  /// When `deal` could have more without another event (backoff, a lost node's lease).
  std::optional<TimePoint> next_deal_time() const;

  /// The slot is free. False: not in flight there (an ended incarnation); ignore it.
  bool ran(NodeIndex node, Incarnation incarnation, CommandIndex command, uint32_t start);

  enum class Verdict { kAccept, kDuplicate, kRefuse };
  /// May this record be journaled? kDuplicate: it is kept already, acknowledge it again. kRefuse:
  /// from an ended incarnation, an unknown start: never acknowledge.
  Verdict judge(const Record& record) const;
  /// The record is in the journal: the command is final, or waits for its next try.
  void kept(const Record& record, TimePoint now);

  /// Stops dealing (drain; on_failure: stop does it by itself).
  void stop_dealing();
  CommandState state(CommandIndex command) const;
  uint32_t starts(CommandIndex command) const;
  Counts counts() const;
  /// Nothing is waiting or in flight, or dealing has stopped and nothing is in flight.
  bool finished() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mnp::model
