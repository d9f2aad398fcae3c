// Numeric addresses and TCP sockets for the channels.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "mnp/core/fd.hpp"
#include "mnp/core/result.hpp"

namespace mnp::node {

struct SocketAddress {
  sockaddr_storage bytes{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&bytes); }
  int family() const { return bytes.ss_family; }
  uint16_t port() const;
  /// "10.0.3.7:41822", "[fd00::2]:41822"
  std::string text() const;
};

/// Of a numeric IPv4 or IPv6 address; no name is ever looked up. kConfig for anything else.
Result<SocketAddress> parse_address(const std::string& address, uint16_t port);
/// A non-blocking TCP socket.
Result<Fd> make_socket(const SocketAddress& address);
/// No delay, and keepalive for the case that no beat is ever sent.
void set_channel_options(int fd);

}  // namespace mnp::node
