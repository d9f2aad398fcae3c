// Events of earlier attempts.
#include "tests/model/scheduler_fixture.hpp"

namespace mnp::model {
namespace {

class SchedulerRestore : public SchedulerCase {
 protected:
  void begin(bool fresh_failures = false) {
    Begun begun;
    begun.fresh_failures = fresh_failures;
    scheduler().restore(begun);
  }
  void was_dealt(uint32_t node, Indexes commands, uint32_t start = 1, uint32_t incarnation = 1) {
    Dealt dealt;
    dealt.node = NodeIndex(node);
    dealt.incarnation = Incarnation(incarnation);
    for (const uint32_t command : commands)
      dealt.items.push_back({CommandIndex(command), start, 0});
    scheduler().restore(dealt);
  }
  void was_kept(uint32_t node, uint32_t command, int exit, uint32_t start = 1) {
    RecordKept kept;
    kept.record.node = NodeIndex(node);
    kept.record.incarnation = Incarnation(1);
    kept.record.command = CommandIndex(command);
    kept.record.start = start;
    kept.record.ending.value = exit;
    scheduler().restore(kept);
  }
  void was_lost(uint32_t node, uint32_t incarnation = 1) {
    scheduler().restore(NodeLost{NodeIndex(node), Incarnation(incarnation), "silent"});
  }
  void was_bad(uint32_t node) { scheduler().restore(NodeBad{NodeIndex(node), "preflight"}); }
};

TEST_F(SchedulerRestore, KeptIsFinalAndTheRestRunsAgainWithHigherStarts) {
  make(4);
  begin();
  was_dealt(0, {0, 1, 2});
  was_kept(0, 0, 0);
  was_kept(0, 1, 1);
  begin();
  EXPECT_TRUE(scheduler().restored().empty());
  EXPECT_EQ(state(0), CommandState::kSucceeded);
  EXPECT_EQ(state(1), CommandState::kFailed);
  EXPECT_EQ(scheduler().counts().waiting, 2u);
  add(0, 4);
  EXPECT_EQ(dealt_to(deal(), 0), (Indexes{2, 3}));
  EXPECT_EQ(scheduler().starts(CommandIndex(2)), 2u);
  EXPECT_EQ(scheduler().starts(CommandIndex(3)), 1u);
}

TEST_F(SchedulerRestore, TriesGoOnAcrossAttempts) {
  make(1, 2);
  begin();
  was_dealt(0, {0});
  was_kept(0, 0, 1);
  begin();
  scheduler().restored();
  EXPECT_EQ(state(0), CommandState::kWaiting);
  add(0);
  deal();
  end(0, 0, 1);
  EXPECT_EQ(state(0), CommandState::kFailed);
}

TEST_F(SchedulerRestore, TriesAreCountedAnewWithFreshFailures) {
  make(1, 2);
  begin();
  was_dealt(0, {0});
  was_kept(0, 0, 1);
  begin(true);
  scheduler().restored();
  add(0);
  deal();
  end(0, 0, 1);
  EXPECT_EQ(state(0), CommandState::kWaiting) << "the first of two tries";
  scheduler().declare_bad(NodeIndex(0));
  EXPECT_EQ(state(0), CommandState::kWaiting);
}

TEST_F(SchedulerRestore, EveryEndOfAnAttemptIsALossOfWhatIsInFlight) {
  make(2);
  begin();
  was_dealt(0, {0, 1});
  was_kept(0, 1, 0);
  begin();
  was_dealt(0, {0}, 2);
  begin();
  EXPECT_TRUE(scheduler().restored().empty());
  add(0);
  const auto deals = deal();
  ASSERT_EQ(dealt_to(deals, 0), Indexes{0});
  EXPECT_TRUE(deals[0].suspect);
  EXPECT_EQ(scheduler().starts(CommandIndex(0)), 3u);
}

TEST_F(SchedulerRestore, ThirdEndPoisonsAndSaysSoUntilItIsJournaled) {
  for (const bool journaled : {false, true}) {
    make(1);
    for (uint32_t start = 1; start <= 3; ++start) {
      begin();
      was_dealt(0, {0}, start);
    }
    begin();
    if (journaled) scheduler().restore(Poisoned{CommandIndex(0), 0});
    const auto poisoned = scheduler().restored();
    EXPECT_EQ(poisoned.size(), journaled ? 0u : 1u);
    EXPECT_EQ(state(0), CommandState::kPoisoned);
    EXPECT_TRUE(scheduler().finished());
  }
}

TEST_F(SchedulerRestore, TheEndOfMainIsNoLossOfWhatItsChildrenRan) {
  make(2);
  for (uint32_t start = 1; start <= 3; ++start) {
    begin();
    scheduler().restore(NodeJoined{NodeIndex(1), Incarnation(1), "main", 1});
    scheduler().restore(NodeJoined{NodeIndex(0), Incarnation(1), "child", 1});
    was_dealt(1, {0}, start);
    was_dealt(0, {1}, start);
  }
  EXPECT_EQ(scheduler().restored(), std::vector<CommandIndex>{CommandIndex(0)});
  add(0);
  const auto deals = deal();
  ASSERT_EQ(dealt_to(deals, 0), Indexes{1});
  EXPECT_FALSE(deals[0].suspect);
}

TEST_F(SchedulerRestore, GoodbyeIsNoLoss) {
  make(1);
  for (uint32_t start = 1; start <= 4; ++start) {
    begin();
    was_dealt(0, {0}, start);
    scheduler().restore(Ended{40, "stopped"});
  }
  begin();
  EXPECT_TRUE(scheduler().restored().empty());
  add(0);
  EXPECT_FALSE(deal().at(0).suspect);
}

TEST_F(SchedulerRestore, GoodbyeOfANodeIsNoLoss) {
  make(1);
  begin();
  for (uint32_t i = 1; i <= 4; ++i) {
    was_dealt(0, {0}, i, i);
    scheduler().restore(NodeLost{NodeIndex(0), Incarnation(i), std::string(kGoodbye)});
  }
  scheduler().restored();
  add(0);
  EXPECT_FALSE(deal().at(0).suspect);
}

TEST_F(SchedulerRestore, LostNodesCountAndDoNotPoisonByThemselves) {
  make(1);
  begin();
  for (uint32_t i = 1; i <= 3; ++i) {  // it may have ran at the third: no Poisoned follows
    was_dealt(0, {0}, i, i);
    was_lost(0, i);
  }
  begin();
  EXPECT_TRUE(scheduler().restored().empty());
  EXPECT_EQ(state(0), CommandState::kWaiting);
  add(0);
  EXPECT_TRUE(deal().at(0).suspect);
}

TEST_F(SchedulerRestore, LossOfAnotherIncarnationIsNotCounted) {
  make(1);
  begin();
  was_dealt(0, {0}, 1, 1);
  was_dealt(0, {0}, 2, 2);
  was_lost(0, 1);
  was_kept(0, 0, 0, 2);
  begin();
  scheduler().restored();
  EXPECT_EQ(state(0), CommandState::kSucceeded);
}

TEST_F(SchedulerRestore, PoisonedStaysUntilFreshFailures) {
  for (const bool fresh : {false, true}) {
    make(3);
    begin();
    was_dealt(0, {0, 1, 2});
    was_kept(0, 1, 1);
    was_kept(0, 2, 0);
    scheduler().restore(Poisoned{CommandIndex(0), 0});
    begin(fresh);
    scheduler().restored();
    EXPECT_EQ(state(0), fresh ? CommandState::kWaiting : CommandState::kPoisoned);
    EXPECT_EQ(state(1), fresh ? CommandState::kWaiting : CommandState::kFailed);
    EXPECT_EQ(state(2), CommandState::kSucceeded);
    if (!fresh) continue;
    add(0, 2);
    const auto deals = deal();
    EXPECT_EQ(dealt_to(deals, 0), (Indexes{0, 1}));
    EXPECT_FALSE(deals[0].suspect) << "its losses are 0 again";
    EXPECT_EQ(scheduler().starts(CommandIndex(0)), 2u);
  }
}

TEST_F(SchedulerRestore, BadNodesFailuresOpenAgain) {
  make(3);
  begin();
  was_dealt(0, {0, 1});
  was_kept(0, 0, 1);
  was_bad(0);
  was_kept(0, 1, 1);
  was_dealt(1, {2});
  was_kept(1, 2, 1);
  begin();
  scheduler().restored();
  EXPECT_EQ(state(0), CommandState::kWaiting);
  EXPECT_EQ(state(1), CommandState::kWaiting);
  EXPECT_EQ(state(2), CommandState::kFailed);
}

TEST_F(SchedulerRestore, BadNodeOfOneAttemptIsAnotherMachineInTheNext) {
  make(2);
  begin();
  was_dealt(3, {0});
  was_kept(3, 0, 1);
  begin();
  was_bad(3);
  begin();
  scheduler().restored();
  EXPECT_EQ(state(0), CommandState::kFailed) << "it failed on the first attempt's node 3";
  add(3);
  EXPECT_EQ(dealt_to(deal(), 3), Indexes{1}) << "this attempt's node 3 is good";
}

TEST_F(SchedulerRestore, SuccessIsFinalForEver) {
  make(1);
  begin();
  was_dealt(0, {0});
  was_kept(0, 0, 0);
  was_dealt(1, {0}, 2);
  was_kept(1, 0, 1, 2);
  begin(true);
  scheduler().restored();
  EXPECT_EQ(state(0), CommandState::kSucceeded);
  EXPECT_EQ(scheduler().starts(CommandIndex(0)), 2u);
}

TEST_F(SchedulerRestore, DoubledRecordCountsOnce) {
  make(1, 2);
  begin();
  was_dealt(0, {0});
  was_kept(0, 0, 1);
  was_kept(0, 0, 1);
  begin();
  scheduler().restored();
  EXPECT_EQ(state(0), CommandState::kWaiting);
}

TEST_F(SchedulerRestore, CommandsBeyondTheListAreLeftOut) {
  make(1);
  begin();
  was_dealt(0, {0, 8});
  was_kept(0, 8, 0);
  scheduler().restore(Poisoned{CommandIndex(9), 0});
  begin();
  scheduler().restored();
  EXPECT_EQ(scheduler().counts().waiting, 1u);
}

TEST_F(SchedulerRestore, BlockKeepsItsSlices) {
  SchedulerOptions options;
  options.commands = 4;
  options.distribution = Distribution::kBlock;
  options.block_nodes = 2;
  make(options);
  begin();
  was_dealt(0, {0});
  was_kept(0, 0, 0);
  was_lost(1);
  begin();
  scheduler().restored();
  add(0, 4);
  EXPECT_EQ(dealt_to(deal(), 0), Indexes{1});
  add(1, 4);
  EXPECT_EQ(dealt_to(deal(), 1), (Indexes{2, 3}));
}

}  // namespace
}  // namespace mnp::model
