// What this node's machine offers, found out once before anything else is started.
#pragma once

#include <string>

#include "cpu/topology.hpp"
#include "gpu/devices.hpp"
#include "mnp/core/result.hpp"
#include "mnp/node/control.hpp"

namespace mnp::node {

struct Machine {
  cpu::Topology topology;
  gpu::Devices gpus;
};

/// To be called before other threads are started.
Result<Machine> discover_machine();

/// What main is told of it; `address`: the IPv4 that other nodes reach this one by.
Join describe_machine(const Machine& machine, const std::string& address);

}  // namespace mnp::node
