// Commands that failed on a node which may be bad, tried once on another.
#include "tests/model/scheduler_fixture.hpp"

namespace mnp::model {
namespace {

class SchedulerProbes : public SchedulerCase {
 protected:
  /// Command 0 has failed on node 0, once and for good; node 1 has one slot, and work.
  void fail_first(uint32_t commands = 3) {
    make(commands);
    add(0);
    ASSERT_EQ(dealt_to(deal(), 0), Indexes{0});
    end(0, 0, 3);
    ASSERT_EQ(state(0), CommandState::kFailed);
    add(1);
  }
  bool probe(uint32_t command, uint32_t not_on) {
    return scheduler().probe(CommandIndex(command), NodeIndex(not_on));
  }
};

TEST_F(SchedulerProbes, RunOnAnotherNodeAndReplaceTheFailure) {
  fail_first();
  ASSERT_TRUE(probe(0, 0));
  EXPECT_EQ(scheduler().counts().failed, 0u);
  const auto deals = deal();
  ASSERT_FALSE(dealt_to(deals, 1).empty());
  EXPECT_EQ(dealt_to(deals, 1)[0], 0u);
  EXPECT_EQ(scheduler().starts(CommandIndex(0)), 2u);
  end(1, 0);
  EXPECT_EQ(state(0), CommandState::kSucceeded);
}

TEST_F(SchedulerProbes, DoNotWaitForAnIdleSlot) {
  fail_first();
  ASSERT_FALSE(dealt_to(deal(), 1).empty());
  ASSERT_TRUE(probe(0, 0));
  EXPECT_EQ(dealt_to(deal(), 1), Indexes{0});
}

TEST_F(SchedulerProbes, AFailureElsewhereIsFinal) {
  fail_first(1);
  ASSERT_TRUE(probe(0, 0));
  ASSERT_EQ(dealt_to(deal(), 1), Indexes{0});
  end(1, 0, 3);
  EXPECT_EQ(state(0), CommandState::kFailed);
  EXPECT_TRUE(scheduler().finished());
  EXPECT_FALSE(probe(0, 0)) << "it has failed on two nodes";
  scheduler().declare_bad(NodeIndex(0));
  EXPECT_EQ(state(0), CommandState::kFailed);
}

TEST_F(SchedulerProbes, OnlyOfWhatFailedThereAndForGood) {
  fail_first();
  EXPECT_FALSE(probe(1, 0)) << "it waits";
  EXPECT_FALSE(probe(0, 1)) << "it failed on another node";
  EXPECT_FALSE(probe(0, 7));
  EXPECT_FALSE(probe(9, 0));
  lose(1);
  EXPECT_FALSE(probe(0, 0)) << "there is no other node";
}

TEST_F(SchedulerProbes, WithoutAnotherNodeItHasFailedAgain) {
  fail_first(1);
  ASSERT_TRUE(probe(0, 0));
  lose(1);
  EXPECT_TRUE(deal().empty());
  EXPECT_EQ(state(0), CommandState::kFailed);
  EXPECT_TRUE(scheduler().finished());
}

TEST_F(SchedulerProbes, OneThatIsGivenUpHoldsNoSuspectUp) {
  make(2);
  for (uint32_t node = 1; node < 3; ++node) {
    add(node);
    ASSERT_EQ(dealt_to(deal(), node), Indexes{0});
    lose(node);
  }
  add(0, 1, 1, true);
  ASSERT_EQ(dealt_to(deal(), 0), Indexes{1});
  add(3);
  end(0, 1, 3);
  ASSERT_TRUE(probe(1, 0));
  lose(3);
  const auto deals = deal();
  EXPECT_EQ(state(1), CommandState::kFailed);
  EXPECT_EQ(dealt_to(deals, 0), Indexes{0}) << "on main, which has nothing else to do";
}

TEST_F(SchedulerProbes, LostWithItsNodeItIsTriedOnAnotherOne) {
  fail_first(1);
  ASSERT_TRUE(probe(0, 0));
  ASSERT_EQ(dealt_to(deal(), 1), Indexes{0});
  add(2);
  lose(1, Milliseconds(500));
  EXPECT_TRUE(deal().empty()) << "its lease has not ended";
  pass(Milliseconds(500));
  EXPECT_EQ(dealt_to(deal(), 2), Indexes{0});
  end(2, 0);
  EXPECT_TRUE(scheduler().finished());
}

TEST_F(SchedulerProbes, ABadNodesFailuresAreOpenAndItGetsNoMore) {
  fail_first(4);
  end(
      0,
      [&] {
        const auto deals = deal();
        return dealt_to(deals, 0).at(0);
      }(),
      3);
  scheduler().declare_bad(NodeIndex(0));
  uint32_t succeeded = 0;
  for (int i = 0; i < 10 && !scheduler().finished(); ++i)
    for (uint32_t command = 0; command < 4; ++command) {
      for (const auto& given : deal()) EXPECT_EQ(given.node, NodeIndex(1));
      if (state(command) != CommandState::kInFlight) continue;
      end(1, command);
      ++succeeded;
    }
  EXPECT_EQ(succeeded, 4u);
  EXPECT_TRUE(scheduler().finished());
}

}  // namespace
}  // namespace mnp::model
