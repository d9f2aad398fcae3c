// Addresses of a local job's nodes: 127.x.y.k, which `mpirun` takes for other machines.
#pragma once

#include <cstdint>
#include <string>

#include "mnp/core/result.hpp"

namespace mnp::launcher {

/// The block of one attempt: node n has 127.x.(y + n / 250).(n % 250 + 1).
class LoopbackAddresses {
 public:
  static constexpr uint32_t kNodesPerRow = 250;

  /// A random block in which nobody listens on `port` of the main node's address.
  static Result<LoopbackAddresses> choose(uint32_t nodes, uint32_t main_node, int port);
  LoopbackAddresses(uint32_t x, uint32_t y) : x_(x), y_(y) {}
  std::string of(uint32_t node) const;

 private:
  uint32_t x_, y_;
};

}  // namespace mnp::launcher
