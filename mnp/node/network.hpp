// Which of this machine's addresses and interfaces MPI is to use.
#pragma once

#include <string>

#include "mnp/core/result.hpp"

namespace mnp::node {

/// The IPv4 address from which this machine would speak to `peer` (numeric; a route is looked up,
/// nothing is sent).
Result<std::string> address_towards(const std::string& peer);

struct Network {
  std::string cidr;       // "10.0.3.0/24"; "127.0.0.0/8" for a loopback address
  std::string interface;  // "eth0"
  bool loopback = false;
};
/// The network of one of this machine's own addresses. kConfig when no interface has it. Containers
/// have more interfaces than one (`ecs-eth0`): MPI and NCCL must be told, or hang.
Result<Network> network_of(const std::string& address);

}  // namespace mnp::node
