#include "comms/world.hpp"

#include <set>

#include <gtest/gtest.h>

namespace mnp::comms {
namespace {

TEST(World, KnowsNodesAndRanks) {
  const auto world = World::create(Rank(1), {4, 0, 9});
  ASSERT_TRUE(world);
  EXPECT_EQ(world->node(), NodeIndex(0));
  EXPECT_EQ(world->node_of(Rank(2)), NodeIndex(9));
  EXPECT_EQ(world->rank_of(NodeIndex(4)), Rank(0));
  EXPECT_EQ(world->rank_of(NodeIndex(5)), std::nullopt);
  EXPECT_FALSE(world->is_main());
}

TEST(World, ANodeWithTwoRanksIsAnError) {
  const auto world = World::create(Rank(0), {4, 0, 4});
  ASSERT_FALSE(world);
  EXPECT_EQ(world.error().code, Code::kMpi);
  EXPECT_EQ(world.error().text, "ranks 0 and 2 both speak for node 4");
}

TEST(World, TheTreeReachesEveryRankOnce) {
  for (const uint32_t size : {1U, 2U, 3U, 4U, 7U, 100U}) {
    std::vector<uint32_t> nodes;
    for (uint32_t node = 0; node < size; ++node) nodes.push_back(node);
    std::multiset<Rank> reached;
    for (uint32_t rank = 0; rank < size; ++rank) {
      const World world = *World::create(Rank(static_cast<int32_t>(rank)), nodes);
      for (const Rank child : world.children()) {
        reached.insert(child);
        EXPECT_EQ(World::create(child, nodes)->parent(), world.rank());
      }
    }
    EXPECT_EQ(reached.size(), size - 1);
    EXPECT_EQ(std::set<Rank>(reached.begin(), reached.end()).size(), size - 1);
    EXPECT_EQ(reached.count(Rank(0)), 0U);
  }
}

}  // namespace
}  // namespace mnp::comms
