#include "mnp/node/machine.hpp"

#include <unistd.h>

namespace mnp::node {
namespace {

constexpr auto kGpuLimit = std::chrono::seconds(30);  // for a driver to answer

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

}  // namespace

Result<Machine> discover_machine() {
  Machine machine;
  machine.gpus = gpu::discover_devices(Clock::now() + kGpuLimit);
  MNP_TRY(machine.topology, cpu::discover_topology());
  return machine;
}

Join describe_machine(const Machine& machine, const std::string& address) {
  Join join;
  join.host = host_name();
  join.address = address;
  join.topology = machine.topology.summary;
  if (!machine.gpus.list.empty()) join.topology += ", " + machine.gpus.summary();
  join.cores = static_cast<uint32_t>(machine.topology.usable_cores());
  join.memory_bytes = machine.topology.memory_bytes;
  join.gpus = static_cast<uint32_t>(machine.gpus.list.size());
  return join;
}

}  // namespace mnp::node
