#include "mnp/node/socket_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cstring>

namespace mnp::node {
namespace {

constexpr int kKeepIdle = 15, kKeepInterval = 5, kKeepCount = 3;  // seconds, seconds, probes

void set_option(int fd, int level, int name, int value) {
  (void)::setsockopt(fd, level, name, &value, sizeof value);
}

}  // namespace

uint16_t SocketAddress::port() const {
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&bytes)->sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in*>(&bytes)->sin_port);
}

std::string SocketAddress::text() const {
  char host[INET6_ADDRSTRLEN] = "?";
  if (family() == AF_INET6) {
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&bytes)->sin6_addr, host,
                sizeof host);
    return "[" + std::string(host) + "]:" + std::to_string(port());
  }
  ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&bytes)->sin_addr, host, sizeof host);
  return std::string(host) + ":" + std::to_string(port());
}

Result<SocketAddress> parse_address(const std::string& address, uint16_t port) {
  SocketAddress result;
  sockaddr_in four{};
  sockaddr_in6 six{};
  if (::inet_pton(AF_INET, address.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    result.size = sizeof four;
    std::memcpy(&result.bytes, &four, sizeof four);
    return result;
  }
  if (::inet_pton(AF_INET6, address.c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    result.size = sizeof six;
    std::memcpy(&result.bytes, &six, sizeof six);
    return result;
  }
  return fail(Code::kConfig, "not a numeric address: " + address);
}

Result<Fd> make_socket(const SocketAddress& address) {
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket");
  return fd;
}

void set_channel_options(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepIdle);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, kKeepInterval);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepCount);
}

}  // namespace mnp::node
