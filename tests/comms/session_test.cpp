#include "comms/session.hpp"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "rank_world.hpp"

namespace mnp::comms {
namespace {

using model::RankFrame;

/// Clock ticks that the process has used.
uint64_t ticks_of(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  uint64_t user = 0, system = 0;
  fields >> user >> system;
  return user + system;
}

class RanksOf : public testing::TestWithParam<size_t> {};

TEST_P(RanksOf, SayHello) {
  RankWorld world(GetParam());
  ASSERT_TRUE(world.up());
  for (size_t rank = 0; rank < world.size(); ++rank) {
    EXPECT_EQ(world.hello(rank).epoch, EpochNumber(5));
    EXPECT_EQ(world.hello(rank).node, RankWorld::node(rank));
    EXPECT_EQ(world.hello(rank).rank, Rank(static_cast<int32_t>(rank)));
    EXPECT_EQ(world.hello(rank).size, world.size());
  }
}
INSTANTIATE_TEST_SUITE_P(Session, RanksOf, testing::Values(1, 4));

TEST(Session, AnAgentThatGoesAwayEndsTheWorld) {  // 4 ranks
  RankWorld world(4);
  ASSERT_TRUE(world.up());
  world.hang_up(2);
  EXPECT_EQ(world.exit_status(), 31);
}

TEST(Session, IdleRanksSayThatTheyLive) {  // 2 ranks
  RankWorld world(2);
  ASSERT_TRUE(world.up());
  EXPECT_TRUE(world.until([&] { return world.pulses(0) >= 3 && world.pulses(1) >= 3; }));
}

TEST(Session, TwoRanksOfOneNodeAreAnError) {  // 2 ranks
  RankWorld world(2, {.files = {}, .nodes = {"4", "4"}, .sockets = {}});
  const auto status = world.exit_status();
  ASSERT_TRUE(status);
  EXPECT_EQ(*status, 34);
}

TEST(Session, ANodeThatIsNoNumberIsAnError) {  // 2 ranks
  RankWorld world(2, {.files = {}, .nodes = {"", "first"}, .sockets = {}});
  const auto status = world.exit_status();
  ASSERT_TRUE(status);
  EXPECT_EQ(*status, 20);
}

TEST(Session, AnAgentThatIsNotThereIsAnError) {  // 2 ranks
  RankWorld world(2, {.files = {}, .nodes = {}, .sockets = {"", "/nowhere/agent.sock"}});
  const auto status = world.exit_status();
  ASSERT_TRUE(status);
  EXPECT_NE(*status, 0);
}

TEST(Session, AFrameThatNoRankTakesEndsTheWorld) {  // 1 rank
  RankWorld world(1);
  ASSERT_TRUE(world.up());
  world.send(0, RankFrame::kSpawn, "x");
  EXPECT_EQ(world.exit_status(), 70);
}

TEST(Session, AnIdleRankUsesNoCore) {  // 4 ranks
  RankWorld world(4);
  ASSERT_TRUE(world.up());
  world.run_for(Milliseconds(500));  // the rest of the start
  std::vector<uint64_t> before;
  for (size_t rank = 0; rank < world.size(); ++rank) before.push_back(ticks_of(world.pid(rank)));
  world.run_for(Milliseconds(5000));
  for (size_t rank = 0; rank < world.size(); ++rank)
    // Ticks are 10 ms, so 5 s hold 500. A rank that polled each millisecond would use 10 and more.
    EXPECT_LE(ticks_of(world.pid(rank)) - before[rank], 5U) << rank;
}

}  // namespace
}  // namespace mnp::comms
