#include "comms/inbox.hpp"

#include "agent_messages.hpp"

namespace mnp::comms {
namespace {

TEST(Inbox, SmallMessagesDoNotOvertakeLargeOnes) {  // 2 ranks
  RankWorld world(2);
  ASSERT_TRUE(world.up());
  constexpr size_t kMessages = 120;  // more than the inbox takes at once
  const auto content = [](size_t i) {
    return std::string(i % 7 == 0 ? 900'000 : i, static_cast<char>(i));
  };
  for (size_t i = 0; i < kMessages; ++i) send_to(world, 1, 0, content(i));
  ASSERT_TRUE(world.until([&] { return world.frames(0).size() == kMessages; }));
  const auto messages = taken(world, 0);
  for (size_t i = 0; i < kMessages; ++i) EXPECT_TRUE(messages[i].bytes == content(i)) << i;
}

}  // namespace
}  // namespace mnp::comms
