#include "mnp/node/socket_address.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

namespace mnp::node {
namespace {

TEST(SocketAddress, ReadsNumericAddresses) {
  const auto four = parse_address("10.0.3.7", 41822);
  ASSERT_TRUE(four);
  EXPECT_EQ(four->family(), AF_INET);
  EXPECT_EQ(four->port(), 41822);
  EXPECT_EQ(four->text(), "10.0.3.7:41822");
  const auto six = parse_address("fd00::2", 1);
  ASSERT_TRUE(six);
  EXPECT_EQ(six->family(), AF_INET6);
  EXPECT_EQ(six->port(), 1);
  EXPECT_EQ(six->text(), "[fd00::2]:1");
}

TEST(SocketAddress, LooksUpNoName) {
  for (const char* text : {"", "localhost", "10.0.3", "10.0.3.256", "10.0.3.7:80", "[fd00::2]",
                           " 10.0.3.7", "10.0.3.7/8"}) {
    const auto address = parse_address(text, 1);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, Code::kConfig);
    EXPECT_NE(address.error().text.find(text), std::string::npos);
  }
}

int option(const Fd& fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(::getsockopt(fd.get(), level, name, &value, &size), 0);
  return value;
}

TEST(SocketAddress, SocketsDoNotDelayAndAreProbed) {
  const auto fd = make_socket(*parse_address("127.0.0.1", 0));
  ASSERT_TRUE(fd) << fd.error().text;
  set_channel_options(fd->get());
  EXPECT_NE(option(*fd, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_NE(option(*fd, SOL_SOCKET, SO_KEEPALIVE), 0);
  // Dead peers are noticed in half a minute, not in two hours.
  EXPECT_LE(option(*fd, IPPROTO_TCP, TCP_KEEPIDLE) +
                option(*fd, IPPROTO_TCP, TCP_KEEPINTVL) * option(*fd, IPPROTO_TCP, TCP_KEEPCNT),
            30);
}

}  // namespace
}  // namespace mnp::node
