// Nodes come, go and turn bad; slices of `block`.
#include "tests/model/scheduler_fixture.hpp"

namespace mnp::model {
namespace {

class SchedulerNodes : public SchedulerCase {
 protected:
  Scheduler& make_block(uint32_t commands, uint32_t nodes, uint32_t tries = 1) {
    SchedulerOptions options;
    options.commands = commands;
    options.tries = tries;
    options.distribution = Distribution::kBlock;
    options.block_nodes = nodes;
    return make(std::move(options));
  }
  /// Deals and ends until nothing more comes; what each node got.
  std::vector<Indexes> run_out(uint32_t nodes) {
    std::vector<Indexes> got(nodes);
    for (auto deals = deal(); !deals.empty(); deals = deal())
      for (const auto& given : deals)
        for (const auto& item : given.items) {
          got[given.node.value()].push_back(item.command.value());
          end(given.node.value(), item.command.value(), 0, given.incarnation.value());
        }
    return got;
  }
};

TEST_F(SchedulerNodes, LostNodesCommandsWaitForTheLease) {
  make(3);
  add(0, 2);
  deal();
  ASSERT_TRUE(ran(0, 0));
  EXPECT_TRUE(lose(0, Milliseconds(6000)).empty());
  EXPECT_EQ(scheduler().nodes_usable(), 0u);
  EXPECT_EQ(scheduler().in_flight(NodeIndex(0)), 0u);
  EXPECT_EQ(scheduler().counts().waiting, 3u);
  add(1, 3);
  EXPECT_EQ(dealt_to(deal(), 1), Indexes{2});
  EXPECT_EQ(scheduler().next_deal_time(), now_ + Milliseconds(6000));
  pass(Milliseconds(5999));
  EXPECT_TRUE(deal().empty());
  pass(Milliseconds(1));
  EXPECT_EQ(dealt_to(deal(), 1), (Indexes{0, 1})) << "also what ran and was not kept";
  EXPECT_EQ(scheduler().starts(CommandIndex(0)), 2u);
}

TEST_F(SchedulerNodes, LosingANodeTwiceOrAnUnknownOneDoesNothing) {
  make(1);
  add(0);
  deal();
  lose(0);
  lose(0);
  lose(9);
  EXPECT_EQ(scheduler().counts().waiting, 1u);
}

TEST_F(SchedulerNodes, RemovedNodesCommandsAreDealtAtOnceWithoutALoss) {
  make(1);
  for (uint32_t incarnation = 1; incarnation <= 5; ++incarnation) {
    add(0, 1, incarnation);
    const auto deals = deal();
    ASSERT_EQ(dealt_to(deals, 0), Indexes{0});
    EXPECT_FALSE(deals[0].suspect);
    EXPECT_EQ(deals[0].incarnation.value(), incarnation);
    scheduler().remove_node(NodeIndex(0));
  }
  EXPECT_EQ(state(0), CommandState::kWaiting);
  EXPECT_EQ(scheduler().starts(CommandIndex(0)), 5u);
}

TEST_F(SchedulerNodes, BadNodeGetsNothingAndItsFailuresOpenAgain) {
  make(3);
  add(0, 2);
  deal();
  end(0, 0, 1);
  EXPECT_EQ(state(0), CommandState::kFailed);
  scheduler().declare_bad(NodeIndex(0));
  EXPECT_EQ(scheduler().nodes_usable(), 0u);
  EXPECT_EQ(state(0), CommandState::kWaiting);
  EXPECT_TRUE(deal().empty());
  end(0, 1, 1);
  EXPECT_EQ(state(1), CommandState::kWaiting) << "its failures count for nothing";
  lose(0);
  add(0, 2, 2);
  EXPECT_TRUE(deal().empty()) << "the node stays bad as a higher incarnation";
  add(1, 3);
  EXPECT_EQ(dealt(deal()), 3u);
}

TEST_F(SchedulerNodes, SuccessOnABadNodeCounts) {
  make(1);
  add(0);
  deal();
  scheduler().declare_bad(NodeIndex(0));
  end(0, 0);
  EXPECT_EQ(state(0), CommandState::kSucceeded);
}

TEST_F(SchedulerNodes, FailureOnAnotherNodeTooStays) {
  make(1, 2);
  add(0);
  deal();
  end(0, 0, 1);
  lose(0);
  add(1);
  pass(Milliseconds(1000));
  deal();
  end(1, 0, 1);
  ASSERT_EQ(state(0), CommandState::kFailed);
  scheduler().declare_bad(NodeIndex(0));
  EXPECT_EQ(state(0), CommandState::kFailed);
  scheduler().declare_bad(NodeIndex(1));
  EXPECT_EQ(state(0), CommandState::kWaiting) << "now it has failed on bad nodes only";
}

TEST_F(SchedulerNodes, FailuresOnManyBadNodesCountForNothing) {
  make(1, 4);
  for (uint32_t node = 0; node < 4; ++node) {
    add(node);
    pass(Milliseconds(60000));
    ASSERT_EQ(dealt_to(deal(), node), Indexes{0});
    end(node, 0, 1);
    lose(node);
  }
  ASSERT_EQ(state(0), CommandState::kFailed);
  for (uint32_t node = 0; node < 3; ++node) {
    scheduler().declare_bad(NodeIndex(node));
    EXPECT_EQ(state(0), CommandState::kFailed);
  }
  scheduler().declare_bad(NodeIndex(3));
  EXPECT_EQ(state(0), CommandState::kWaiting);
}

TEST_F(SchedulerNodes, BlockGivesEachNodeItsSlice) {
  for (uint32_t total = 0; total <= 40; total += 3) {
    for (uint32_t n = 1; n <= 9; ++n) {
      make_block(total, n);
      for (uint32_t i = 0; i < n; ++i) add(i, i % 3 + 1);
      const auto got = run_out(n);
      for (uint32_t i = 0; i < n; ++i) {
        Indexes slice;
        for (uint32_t c = total * i / n; c < total * (i + 1) / n; ++c) slice.push_back(c);
        ASSERT_EQ(got[i], slice) << total << " over " << n;
      }
      ASSERT_TRUE(scheduler().finished());
    }
  }
}

TEST_F(SchedulerNodes, BlockDealsALostNodesSliceToEverybody) {
  make_block(9, 3);
  for (uint32_t i = 0; i < 3; ++i) add(i);
  deal();
  lose(1);
  end(0, 0);
  end(2, 6);
  const auto got = run_out(3);
  EXPECT_EQ(got[0].size() + got[2].size(), 7u);
  EXPECT_TRUE(scheduler().finished());
}

TEST_F(SchedulerNodes, BlockDealsTheSliceOfANodeThatWillNotJoin) {
  make_block(4, 2);
  add(0);
  EXPECT_EQ(run_out(2)[0], (Indexes{0, 1}));
  EXPECT_FALSE(scheduler().finished());
  scheduler().release_slice(NodeIndex(1));
  EXPECT_EQ(run_out(2)[0], (Indexes{2, 3}));
  EXPECT_TRUE(scheduler().finished());
}

TEST_F(SchedulerNodes, BlockRetriesOnItsOwnNode) {
  make_block(2, 2, 2);
  add(0);
  add(1);
  deal();
  end(0, 0, 1);
  end(1, 1);
  EXPECT_TRUE(deal().empty());
  pass(Milliseconds(1000));
  EXPECT_EQ(dealt_to(deal(), 0), Indexes{0});
}

}  // namespace
}  // namespace mnp::model
