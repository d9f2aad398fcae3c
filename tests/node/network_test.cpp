#include "mnp/node/network.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <string>

namespace mnp::node {
namespace {

TEST(AddressTowards, APeerOnTheLoopbackIsSpokenToFromTheLoopback) {
  const auto own = address_towards("127.3.2.1");
  ASSERT_TRUE(own) << own.error().text;
  EXPECT_EQ(own->rfind("127.", 0), 0U) << *own;
}

TEST(AddressTowards, NamesAreNotLookedUp) {
  for (const char* name : {"localhost", "", "::1", "10.0.0", "10.0.0.1 "}) {
    const auto own = address_towards(name);
    ASSERT_FALSE(own) << name;
    EXPECT_EQ(own.error().code, Code::kConfig);
  }
}

TEST(NetworkOf, TheLoopbackIsOneNetwork) {
  const auto network = network_of("127.9.8.7");
  ASSERT_TRUE(network) << network.error().text;
  EXPECT_EQ(network->cidr, "127.0.0.0/8");
  EXPECT_EQ(network->interface, "lo");
  EXPECT_TRUE(network->loopback);
}

TEST(NetworkOf, AnAddressOfNoInterfaceIsAnError) {
  const auto network = network_of("192.0.2.77");  // RFC 5737: for documents only
  ASSERT_FALSE(network);
  EXPECT_EQ(network.error().code, Code::kConfig);
  EXPECT_NE(network.error().text.find("192.0.2.77"), std::string::npos);
  EXPECT_NE(network.error().text.find("MNP_NODE_ADDRESS"), std::string::npos);
}

TEST(NetworkOf, EveryInterfaceIsFoundByItsAddress) {
  ifaddrs* list = nullptr;
  ASSERT_EQ(::getifaddrs(&list), 0);
  int found = 0;
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET ||
        (each->ifa_flags & IFF_LOOPBACK) != 0)
      continue;
    const in_addr address = reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr;
    char text[INET_ADDRSTRLEN];
    ::inet_ntop(AF_INET, &address, text, sizeof text);
    const auto network = network_of(text);
    ASSERT_TRUE(network) << network.error().text;
    const size_t slash = network->cidr.find('/');
    in_addr base{};
    ASSERT_EQ(::inet_pton(AF_INET, network->cidr.substr(0, slash).c_str(), &base), 1);
    const int bits = std::stoi(network->cidr.substr(slash + 1));
    const uint32_t mask = bits == 0 ? 0 : htonl(~uint32_t{0} << (32 - bits));
    EXPECT_EQ(address.s_addr & mask, base.s_addr) << text << " in " << network->cidr;
    EXPECT_FALSE(network->loopback);
    ++found;
  }
  ::freeifaddrs(list);
  if (found == 0) GTEST_SKIP() << "this machine has no interface but the loopback";
}

}  // namespace
}  // namespace mnp::node
