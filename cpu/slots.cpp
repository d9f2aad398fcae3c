#include "cpu/slots.hpp"

#include <sched.h>

#include <algorithm>

#include <fmt/format.h>

#include "mnp/core/text.hpp"

namespace mnp::cpu {
namespace {

constexpr uint64_t kMaxSlots = 65536;

std::string plural(uint64_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

tl::unexpected<Error> too_little(const Topology& topology, const SlotRequest& request,
                                 uint32_t cpus) {
  std::string wanted = plural(cpus, "core");
  if (request.memory > 0) wanted += ", " + format_bytes(request.memory);
  if (request.gpus > 0) wanted += ", " + plural(request.gpus, "GPU");
  const uint32_t slots = request.slots.value_or(1);
  const std::string what =
      slots == 1 ? "a command that needs " + wanted + " does"
                 : fmt::format("{} commands at once that each need {} do", slots, wanted);
  return fail(Code::kConfig, fmt::format("{} not fit on a node with {}, {} and {}", what,
                                         plural(topology.usable_cores(), "usable core"),
                                         format_bytes(topology.memory_bytes),
                                         plural(request.gpus_available, "GPU")));
}

}  // namespace

Result<std::vector<Slot>> lay_out_slots(const Topology& topology, const SlotRequest& request) {
  const uint32_t cpus = std::max(request.cpus, 1u);
  const uint64_t by_cores = topology.usable_cores() / cpus;
  const uint64_t by_memory =
      request.memory > 0 ? topology.memory_bytes / request.memory : kMaxSlots;
  const uint64_t by_gpus = request.gpus > 0 ? request.gpus_available / request.gpus : kMaxSlots;
  const uint64_t count =
      request.slots ? *request.slots : std::min({by_cores, by_memory, by_gpus, kMaxSlots});
  if (count == 0 || count > std::min({by_memory, by_gpus, kMaxSlots}))
    return too_little(topology, request, cpus);
  // A quota says how much, not which cores: others may run on the first ones.
  const bool bind = count <= by_cores && topology.usable_cores() == topology.cores.size();
  std::vector<Slot> slots;
  for (uint32_t i = 0; i < count; ++i) {
    Slot slot{SlotIndex(i), {}, {}};
    for (uint32_t c = 0; bind && c < cpus; ++c) {
      const Core& core = topology.cores[size_t{i} * cpus + c];
      slot.cpus.insert(slot.cpus.end(), core.begin(), core.end());
    }
    for (uint32_t g = 0; g < request.gpus; ++g) slot.gpus.push_back(i * request.gpus + g);
    slots.push_back(std::move(slot));
  }
  return slots;
}

Status bind_this_thread(const std::vector<int>& cpus) {
  if (cpus.empty()) return {};
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus)
    if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) return fail_errno("bind to cores");
  return {};
}

}  // namespace mnp::cpu
