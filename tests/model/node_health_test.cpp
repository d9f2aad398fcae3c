#include "mnp/model/node_health.hpp"

#include <gtest/gtest.h>

#include <random>

namespace mnp::model {
namespace {

constexpr uint32_t kBad = 9;  // the node that the cases are about

class NodeHealthTest : public testing::Test {
 protected:
  void end(uint32_t node, uint32_t command, bool success) {
    health.ended(NodeIndex(node), CommandIndex(command), success);
  }
  /// Commands of their own: `count` that fail on kBad.
  void fail_there(uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) end(kBad, next++, false);
  }
  void succeed_elsewhere(uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) end(i % 3, next++, true);
  }
  uint32_t probe() {
    const auto wanted = health.next_probe();
    if (!wanted) return UINT32_MAX;
    EXPECT_EQ(wanted->node, NodeIndex(kBad));
    return wanted->command.value();
  }
  bool wants_probe() { return probe() != UINT32_MAX; }

  NodeHealth health;
  uint32_t next = 0;
};

TEST_F(NodeHealthTest, ANodeWhoseFailureSucceedsElsewhereIsBad) {
  succeed_elsewhere(50);
  fail_there(NodeHealth::kStreak);
  EXPECT_FALSE(wants_probe()) << "nobody has succeeded meanwhile";
  succeed_elsewhere(1);
  const uint32_t command = probe();
  ASSERT_NE(command, UINT32_MAX);
  EXPECT_FALSE(wants_probe()) << "one at a time";
  EXPECT_FALSE(health.next_bad());
  end(1, command, true);
  const auto bad = health.next_bad();
  ASSERT_TRUE(bad);
  EXPECT_EQ(bad->node, NodeIndex(kBad));
  EXPECT_NE(bad->reason.find("succeeded on node 1"), std::string::npos) << bad->reason;
  EXPECT_FALSE(health.next_bad());
  fail_there(100);
  succeed_elsewhere(10);
  EXPECT_FALSE(wants_probe());
  EXPECT_FALSE(health.next_bad()) << "it is known";
}

TEST_F(NodeHealthTest, ANodeThatAteTheListIsFoundByTheLastOnesOfTheOthers) {
  fail_there(100);
  EXPECT_FALSE(wants_probe());
  succeed_elsewhere(3);
  EXPECT_TRUE(wants_probe());
}

TEST_F(NodeHealthTest, AProbeThatFailsClearsTheNodeAndTheNextTakesMore) {
  succeed_elsewhere(50);
  int probes = 0;
  for (int i = 0; i < 1000; ++i) {  // its part of the list is broken
    fail_there(1);
    succeed_elsewhere(1);
    for (uint32_t command = probe(); command != UINT32_MAX; command = probe()) {
      end(1, command, false);
      ++probes;
    }
    EXPECT_FALSE(health.next_bad());
  }
  EXPECT_GE(probes, 2);
  EXPECT_LE(probes, 9) << "each takes twice as many failures as the one before";
}

TEST_F(NodeHealthTest, WhenEverythingFailsEverywhereNothingIsProbed) {
  for (uint32_t i = 0; i < 1000; ++i) end(i % 10, next++, false);
  EXPECT_FALSE(wants_probe());
}

TEST_F(NodeHealthTest, OneNodeAloneIsNeverSuspected) {
  for (int round = 0; round < 20; ++round) {
    end(kBad, next++, true);
    fail_there(50);
  }
  EXPECT_FALSE(wants_probe());
}

TEST_F(NodeHealthTest, ASuccessThereEndsTheSuspicion) {
  succeed_elsewhere(50);
  fail_there(NodeHealth::kStreak);
  succeed_elsewhere(1);
  const uint32_t command = probe();
  end(kBad, next++, true);
  end(1, command, true);
  EXPECT_FALSE(health.next_bad());
  EXPECT_TRUE(health.probes().empty());
}

TEST_F(NodeHealthTest, ARetryThatSucceedsElsewhereIsProofWithoutAProbe) {
  succeed_elsewhere(50);
  const uint32_t first = next;
  fail_there(NodeHealth::kStreak);
  end(2, first + 1, true);
  EXPECT_FALSE(wants_probe());
  const auto bad = health.next_bad();
  ASSERT_TRUE(bad);
  EXPECT_EQ(bad->node, NodeIndex(kBad));
}

TEST_F(NodeHealthTest, CommandsThatFailElsewhereTooCountForNothing) {
  succeed_elsewhere(50);
  for (int i = 0; i < 100; ++i) {
    end(kBad, next, false);
    end(1, next++, false);  // its next try
    succeed_elsewhere(2);
  }
  EXPECT_FALSE(wants_probe());
}

TEST_F(NodeHealthTest, TriesOfOneCommandAreOneFailure) {
  succeed_elsewhere(50);
  for (int i = 0; i < 100; ++i) end(kBad, 1'000'000, false);
  succeed_elsewhere(10);
  EXPECT_FALSE(wants_probe());
}

TEST_F(NodeHealthTest, AProbeThatCannotBeIsFollowedByOneMoreAtMost) {
  succeed_elsewhere(50);
  fail_there(NodeHealth::kStreak);
  succeed_elsewhere(1);
  for (int i = 0; i < NodeHealth::kMaxProbes; ++i) {
    const auto wanted = health.next_probe();
    ASSERT_TRUE(wanted) << i;
    ASSERT_EQ(health.probes().size(), 1U);
    health.give_up(*wanted);
  }
  fail_there(50);
  succeed_elsewhere(50);
  EXPECT_FALSE(wants_probe());
}

TEST_F(NodeHealthTest, ALostNodeBeginsAnew) {
  succeed_elsewhere(50);
  fail_there(NodeHealth::kStreak - 1);
  health.gone(NodeIndex(kBad));
  fail_there(1);
  succeed_elsewhere(1);
  EXPECT_FALSE(wants_probe());
}

TEST_F(NodeHealthTest, TwoBadNodesOfManyAreBothFound) {
  std::set<uint32_t> found;
  for (int i = 0; i < 30; ++i) {
    for (uint32_t node = 0; node < 6; ++node) end(node, next++, true);
    for (const uint32_t node : {10U, 11U}) end(node, next++, false);
    while (const auto wanted = health.next_probe()) end(0, wanted->command.value(), true);
    while (const auto bad = health.next_bad()) found.insert(bad->node.value());
  }
  EXPECT_EQ(found, (std::set<uint32_t>{10, 11}));
}

/// Commands that fail now and then on every node alike condemn none, even where each would succeed
/// when tried again.
TEST_F(NodeHealthTest, FlakyCommandsMakeNoNodeBad) {
  for (const double rate : {0.05, 0.2, 0.5, 0.9}) {
    health = NodeHealth();
    std::mt19937 random(7);
    std::bernoulli_distribution fails(rate);
    for (int i = 0; i < 20'000; ++i) {
      end(static_cast<uint32_t>(i % 8), next++, !fails(random));
      while (const auto wanted = health.next_probe())
        end((wanted->node.value() + 1) % 8, wanted->command.value(), true);
      ASSERT_FALSE(health.next_bad()) << rate;
    }
  }
}

}  // namespace
}  // namespace mnp::model
