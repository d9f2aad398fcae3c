#include "comms/farewell.hpp"

#include <csignal>

#include "agent_messages.hpp"

namespace mnp::comms {
namespace {

TEST(Farewell, WhatWasSentBeforeArrives) {  // 4 ranks
  RankWorld world(4);
  ASSERT_TRUE(world.up());
  for (size_t rank = 1; rank < 4; ++rank)
    send_to(world, 0, rank, std::string(size_t{3} << 20, 'x'));
  world.send(0, RankFrame::kQuit, "");
  EXPECT_TRUE(world.until([&] {
    return !world.frames(1).empty() && !world.frames(2).empty() && !world.frames(3).empty();
  }));
  EXPECT_EQ(world.exit_status(), 0);
  for (size_t rank = 1; rank < 4; ++rank)
    EXPECT_EQ(taken(world, rank).at(0).bytes.size(), size_t{3} << 20);
}

TEST(Farewell, ARankThatDoesNotAnswerIsWaitedForInVain) {  // 3 ranks
  RankWorld world(3);
  ASSERT_TRUE(world.up());
  ASSERT_EQ(::kill(world.pid(2), SIGSTOP), 0);
  world.send(0, RankFrame::kQuit, "");
  // Main's rank gives up at its deadline; the launcher is killed with the world.
  EXPECT_TRUE(world.until([&] { return !world.connected(0); }));
}

TEST(Farewell, AChildsAgentCannotQuit) {  // 2 ranks
  RankWorld world(2);
  ASSERT_TRUE(world.up());
  world.send(1, RankFrame::kQuit, "");
  EXPECT_EQ(world.exit_status(), 70);
}

}  // namespace
}  // namespace mnp::comms
