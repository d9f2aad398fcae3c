#include "mnp/node/network.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <bit>
#include <memory>

#include <fmt/format.h>

#include "mnp/core/fd.hpp"

namespace mnp::node {
namespace {

constexpr uint16_t kAnyPort = 9;  // discard; a datagram socket's connect(2) sends nothing

std::string text_of(in_addr address) {
  std::array<char, INET_ADDRSTRLEN> text{};
  return ::inet_ntop(AF_INET, &address, text.data(), text.size());
}

in_addr ipv4_of(const sockaddr* address) {
  return reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
}

}  // namespace

Result<std::string> address_towards(const std::string& peer) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(kAnyPort);
  if (::inet_pton(AF_INET, peer.c_str(), &to.sin_addr) != 1)
    return fail(Code::kConfig, fmt::format("'{}' is not a numeric IPv4 address", peer));
  const Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket");
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
    return fail_errno("no route to " + peer);
  sockaddr_in own{};
  socklen_t size = sizeof own;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &size) != 0)
    return fail_errno("getsockname");
  return text_of(own.sin_addr);
}

Result<Network> network_of(const std::string& address) {
  if (address.rfind("127.", 0) == 0) return Network{"127.0.0.0/8", "lo", true};
  ifaddrs* raw = nullptr;
  if (::getifaddrs(&raw) != 0) return fail_errno("getifaddrs");
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> list(raw, ::freeifaddrs);
  for (const ifaddrs* each = list.get(); each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_netmask == nullptr ||
        each->ifa_addr->sa_family != AF_INET || text_of(ipv4_of(each->ifa_addr)) != address)
      continue;
    const in_addr mask = ipv4_of(each->ifa_netmask);
    const in_addr base{ipv4_of(each->ifa_addr).s_addr & mask.s_addr};
    return Network{fmt::format("{}/{}", text_of(base), std::popcount(mask.s_addr)), each->ifa_name,
                   false};
  }
  return fail(Code::kConfig, fmt::format("no interface of this machine has the address {}; is "
                                         "MNP_NODE_ADDRESS right?",
                                         address));
}

}  // namespace mnp::node
