#include "launcher/loopback_addresses.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <set>

#include <gtest/gtest.h>

#include "mnp/core/fd.hpp"

namespace mnp::launcher {
namespace {

TEST(LoopbackAddresses, AreDistinctForAThousandNodes) {
  const LoopbackAddresses block(3, 200);
  std::set<std::string> seen;
  for (uint32_t node = 0; node < 1000; ++node) seen.insert(block.of(node));
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_EQ(block.of(0), "127.3.200.1");
  EXPECT_EQ(block.of(249), "127.3.200.250");
  EXPECT_EQ(block.of(250), "127.3.201.1");
}

TEST(LoopbackAddresses, ChosenBlocksCanBeBound) {
  const auto block = LoopbackAddresses::choose(1000, 999, 26117);
  ASSERT_TRUE(block);
  const Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  ASSERT_EQ(::inet_pton(AF_INET, block->of(999).c_str(), &name.sin_addr), 1);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
}

}  // namespace
}  // namespace mnp::launcher
