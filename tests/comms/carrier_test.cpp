#include "comms/carrier.hpp"

#include "agent_messages.hpp"

namespace mnp::comms {
namespace {

std::string numbered(size_t i) {
  return "message " + std::to_string(i) + std::string(i % 300, '.');
}

TEST(Carrier, TenThousandMessagesArriveInOrderBothWays) {  // 4 ranks
  constexpr size_t kMessages = 10'000;
  RankWorld world(4);
  ASSERT_TRUE(world.up());
  for (size_t i = 0; i < kMessages; ++i)
    for (size_t rank = 1; rank < 4; ++rank) {
      send_to(world, 0, rank, numbered(i));
      send_to(world, rank, 0, numbered(i));
    }
  std::vector<size_t> at_main(4), at_child(4);
  const auto collect = [&] {
    for (const NodePayload& message : taken(world, 0)) {
      const size_t rank = (message.node.value() - 7) / 3;
      EXPECT_EQ(message.bytes, numbered(at_main.at(rank)++));
    }
    bool all = true;
    for (size_t rank = 1; rank < 4; ++rank) {
      for (const NodePayload& message : taken(world, rank)) {
        EXPECT_EQ(message.node, RankWorld::node(0));
        EXPECT_EQ(message.bytes, numbered(at_child[rank]++));
      }
      all = all && at_main[rank] == kMessages && at_child[rank] == kMessages;
    }
    return all;
  };
  ASSERT_TRUE(world.until(collect)) << at_main[1] << " " << at_child[1];
}

TEST(Carrier, LargeMessagesCrossEachOther) {  // 3 ranks
  constexpr size_t kRounds = 12, kBytes = size_t{8} << 20;
  RankWorld world(3);
  ASSERT_TRUE(world.up());
  const auto content = [](size_t i) {
    std::string bytes(kBytes, static_cast<char>('a' + i));
    bytes += std::to_string(i);
    return bytes;
  };
  for (size_t i = 0; i < kRounds; ++i)
    for (size_t rank = 1; rank < 3; ++rank) {
      send_to(world, 0, rank, content(i));
      send_to(world, rank, 0, content(i));
    }
  std::vector<size_t> at_main(3), at_child(3);
  ASSERT_TRUE(world.until([&] {
    for (const NodePayload& message : taken(world, 0)) {
      const size_t rank = (message.node.value() - 7) / 3;
      EXPECT_TRUE(message.bytes == content(at_main.at(rank)++));
    }
    for (size_t rank = 1; rank < 3; ++rank)
      for (const NodePayload& message : taken(world, rank))
        EXPECT_TRUE(message.bytes == content(at_child[rank]++));
    return at_main[1] + at_main[2] + at_child[1] + at_child[2] == 4 * kRounds;
  }));
}

TEST(Carrier, EmptyMessagesAreMessages) {  // 2 ranks
  RankWorld world(2);
  ASSERT_TRUE(world.up());
  send_to(world, 1, 0, "");
  ASSERT_TRUE(world.until([&] { return !world.frames(0).empty(); }));
  const auto messages = taken(world, 0);
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].node, RankWorld::node(1));
  EXPECT_EQ(messages[0].bytes, "");
}

TEST(Carrier, TheReceiverOfAMessageIsRung) {  // 3 ranks
  RankWorld world(3);
  ASSERT_TRUE(world.up());
  send_to(world, 0, 2, "down");
  send_to(world, 1, 0, "up");
  ASSERT_TRUE(world.until([&] { return !world.frames(0).empty() && !world.frames(2).empty(); }));
  // A bell may come after its message.
  ASSERT_TRUE(world.until([&] { return world.rings_for(2) > 0 && world.rings_for(0) > 0; }));
  EXPECT_EQ(world.rings_for(1), 0U);
}

TEST(Carrier, AMessageArrivesThoughItsBellIsLost) {  // 2 ranks
  RankWorld world(2);
  ASSERT_TRUE(world.up());
  world.run_for(Milliseconds(300));
  world.deaf = true;
  send_to(world, 0, 1, "hello");
  EXPECT_TRUE(world.until([&] { return !world.frames(1).empty(); }));
}

TEST(Carrier, AChildMayNotSendToAnotherChild) {  // 3 ranks
  RankWorld world(3);
  ASSERT_TRUE(world.up());
  send_to(world, 1, 2, "psst");
  EXPECT_EQ(world.exit_status(), 70);
}

TEST(Carrier, ANodeOutsideTheWorldGetsNothingAndNothingBreaks) {  // 2 ranks
  RankWorld world(2);
  ASSERT_TRUE(world.up());
  send_to(world, 0, 9, "nobody");
  send_to(world, 0, 1, "somebody");
  ASSERT_TRUE(world.until([&] { return !world.frames(1).empty(); }));
  EXPECT_EQ(taken(world, 1).at(0).bytes, "somebody");
}

}  // namespace
}  // namespace mnp::comms
