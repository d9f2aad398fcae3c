#include "comms/transport.hpp"

#include "agent_messages.hpp"

namespace mnp::comms {
namespace {

TEST(Transport, AReaderThatStopsHoldsItsSenderBack) {  // 2 ranks
  // More than all buffers on the way hold: the sender's agent must be left with some of it.
  constexpr size_t kMessages = 60, kBytes = size_t{4} << 20;
  RankWorld world(2);
  ASSERT_TRUE(world.up());
  world.pause_reading(1, true);
  for (size_t i = 0; i < kMessages; ++i) send_to(world, 0, 1, std::string(kBytes, 'x'));
  world.run_for(Milliseconds(3000));
  EXPECT_GT(world.queued(0), kMessages * kBytes / 4);
  world.pause_reading(1, false);
  EXPECT_TRUE(world.until([&] { return world.frames(1).size() == kMessages; }));
}

}  // namespace
}  // namespace mnp::comms
