#include "launcher/loopback_addresses.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <random>

#include <fmt/format.h>

#include "mnp/core/fd.hpp"

namespace mnp::launcher {
namespace {

constexpr int kMaxTries = 50;

bool is_free(const std::string& address, int port) {
  const Fd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<uint16_t>(port));
  ::inet_pton(AF_INET, address.c_str(), &name.sin_addr);
  return probe && ::bind(probe.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
}

}  // namespace

Result<LoopbackAddresses> LoopbackAddresses::choose(uint32_t nodes, uint32_t main_node, int port) {
  const uint32_t rows = (nodes + kNodesPerRow - 1) / kNodesPerRow;
  std::random_device random;
  std::uniform_int_distribution<uint32_t> pick_x(1, 254), pick_y(0, 255 - rows);
  std::string tried;
  for (int i = 0; i < kMaxTries; ++i) {
    const LoopbackAddresses block(pick_x(random), pick_y(random));
    tried = block.of(main_node);
    if (is_free(tried, port)) return block;
  }
  return fail(Code::kIo, fmt::format("no free loopback address for the nodes: {}:{} and {} others "
                                     "cannot be bound; is 127.0.0.0/8 on the loopback interface, "
                                     "and does another program hold the port on all addresses?",
                                     tried, port, kMaxTries - 1));
}

std::string LoopbackAddresses::of(uint32_t node) const {
  return fmt::format("127.{}.{}.{}", x_, y_ + node / kNodesPerRow, node % kNodesPerRow + 1);
}

}  // namespace mnp::launcher
