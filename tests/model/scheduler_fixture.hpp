// A scheduler with a clock of its own and the answers of nodes that do as they are told.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "mnp/model/scheduler.hpp"

namespace mnp::model {

inline void PrintTo(CommandState state, std::ostream* out) {
  *out << "state " << static_cast<int>(state);
}

/// Commands that a deal gives to one node.
inline std::vector<uint32_t> dealt_to(const std::vector<Scheduler::NodeDeal>& deals,
                                      uint32_t node) {
  std::vector<uint32_t> commands;
  for (const auto& deal : deals) {
    if (deal.node.value() != node) continue;
    for (const auto& item : deal.items) commands.push_back(item.command.value());
  }
  return commands;
}

inline size_t dealt(const std::vector<Scheduler::NodeDeal>& deals) {
  size_t count = 0;
  for (const auto& deal : deals) count += deal.items.size();
  return count;
}

class SchedulerCase : public ::testing::Test {
 protected:
  Scheduler& make(SchedulerOptions options) {
    scheduler_ = std::make_unique<Scheduler>(std::move(options));
    return *scheduler_;
  }
  Scheduler& make(uint32_t commands, uint32_t tries = 1) {
    SchedulerOptions options;
    options.commands = commands;
    options.tries = tries;
    return make(std::move(options));
  }
  Scheduler& scheduler() { return *scheduler_; }

  void add(uint32_t node, uint32_t slots = 1, uint32_t incarnation = 1, bool is_main = false) {
    scheduler().add_node(NodeIndex(node), Incarnation(incarnation), slots, is_main);
  }
  std::vector<CommandIndex> lose(uint32_t node, Milliseconds after = Milliseconds(0)) {
    return scheduler().lose_node(NodeIndex(node), now_ + after);
  }
  auto deal() { return scheduler().deal(now_); }
  void pass(Milliseconds time) { now_ += time; }

  bool ran(uint32_t node, uint32_t command, uint32_t incarnation = 1, bool failed = false) {
    const CommandIndex index(command);
    return scheduler().ran(NodeIndex(node), Incarnation(incarnation), index,
                           scheduler().starts(index), failed);
  }
  Record record(uint32_t node, uint32_t command, int exit = 0, uint32_t incarnation = 1) {
    Record made;
    made.command = CommandIndex(command);
    made.start = scheduler().starts(made.command);
    made.node = NodeIndex(node);
    made.incarnation = Incarnation(incarnation);
    made.ending.value = exit;
    return made;
  }
  /// Ran, accepted and kept.
  void end(uint32_t node, uint32_t command, int exit = 0, uint32_t incarnation = 1) {
    EXPECT_TRUE(ran(node, command, incarnation)) << command;
    const Record made = record(node, command, exit, incarnation);
    EXPECT_EQ(scheduler().judge(made), Scheduler::Verdict::kAccept) << command;
    scheduler().kept(made, now_);
  }
  CommandState state(uint32_t command) { return scheduler().state(CommandIndex(command)); }

  TimePoint now_ = TimePoint() + std::chrono::hours(1);

 private:
  std::unique_ptr<Scheduler> scheduler_;
};

using Indexes = std::vector<uint32_t>;

}  // namespace mnp::model
