#include "comms/ringer.hpp"

#include <csignal>

#include "agent_messages.hpp"

namespace mnp::comms {
namespace {

TEST(Ringer, ManyMessagesNeedFewBells) {  // 2 ranks
  constexpr size_t kMessages = 2000;
  RankWorld world(2);
  ASSERT_TRUE(world.up());
  for (size_t i = 0; i < kMessages; ++i) send_to(world, 0, 1, "x");
  ASSERT_TRUE(
      world.until([&] { return world.frames(1).size() == kMessages && world.rings_for(1) > 0; }));
  EXPECT_LT(world.rings_for(1), kMessages / 2);
}

TEST(Ringer, ARankThatTakesNothingIsRungAgain) {  // 2 ranks
  RankWorld world(2);
  ASSERT_TRUE(world.up());
  ASSERT_EQ(::kill(world.pid(1), SIGSTOP), 0);
  send_to(world, 0, 1, "x");
  EXPECT_TRUE(world.until([&] { return world.rings_for(1) >= 4; }));
  EXPECT_TRUE(world.frames(1).empty());
  ASSERT_EQ(::kill(world.pid(1), SIGCONT), 0);
  EXPECT_TRUE(world.until([&] { return !world.frames(1).empty(); }));
}

}  // namespace
}  // namespace mnp::comms
