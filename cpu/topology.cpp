#include "cpu/topology.hpp"

#include <hwloc.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>

#include "cpu/cgroup_limits.hpp"
#include "mnp/core/text.hpp"

namespace mnp::cpu {
namespace {

struct DestroyTopology {
  void operator()(hwloc_topology* topology) const { hwloc_topology_destroy(topology); }
};
using HwlocTopology = std::unique_ptr<hwloc_topology, DestroyTopology>;

struct FreeBitmap {
  void operator()(hwloc_bitmap_s* bitmap) const { hwloc_bitmap_free(bitmap); }
};
using Bitmap = std::unique_ptr<hwloc_bitmap_s, FreeBitmap>;

Result<HwlocTopology> load() {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) return fail(Code::kIo, "hwloc cannot be started");
  HwlocTopology topology(raw);
  // Only processors and memory: the device components would load their vendors' drivers.
  for (const char* component : {"opencl", "cuda", "nvml", "rsmi", "levelzero", "gl", "pci"})
    hwloc_topology_set_components(raw, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, component);
  if (hwloc_topology_load(raw) != 0)
    return fail(Code::kIo, "hwloc cannot read this machine's topology");
  return topology;
}

/// What this process may use: what the cgroup's cpuset allows, cut to this thread's affinity.
Bitmap usable_units(hwloc_topology_t topology) {
  Bitmap set(hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(topology)));
  const Bitmap bound(hwloc_bitmap_alloc());
  if (hwloc_get_cpubind(topology, bound.get(), HWLOC_CPUBIND_THREAD) == 0)
    hwloc_bitmap_and(set.get(), set.get(), bound.get());
  return set;
}

Core units_of(hwloc_const_bitmap_t set) {
  Core units;
  for (int unit = hwloc_bitmap_first(set); unit >= 0; unit = hwloc_bitmap_next(set, unit))
    units.push_back(unit);
  return units;
}

std::vector<Core> usable_cores_of(hwloc_topology_t topology, hwloc_const_bitmap_t usable) {
  std::vector<Core> cores;
  const Bitmap part(hwloc_bitmap_alloc());
  hwloc_obj_t core = nullptr;  // in hwloc's logical order neighbours follow each other
  while ((core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core)) != nullptr) {
    hwloc_bitmap_and(part.get(), core->cpuset, usable);
    Core units = units_of(part.get());
    if (!units.empty()) cores.push_back(std::move(units));
  }
  if (cores.empty())  // machines that do not tell cores from threads
    for (const int unit : units_of(usable)) cores.push_back({unit});
  return cores;
}

std::string summarize(const Topology& topology, int numa_nodes) {
  size_t threads = 0;
  for (const Core& core : topology.cores) threads += core.size();
  std::string text =
      fmt::format("{} core{}", topology.cores.size(), topology.cores.size() == 1 ? "" : "s");
  if (threads != topology.cores.size()) text += fmt::format(", {} threads", threads);
  if (numa_nodes > 1) text += fmt::format(", {} NUMA nodes", numa_nodes);
  if (topology.cpu_quota > 0) text += fmt::format(", quota {:.4g} cores", topology.cpu_quota);
  return text + ", " + format_bytes(topology.memory_bytes);
}

}  // namespace

size_t Topology::usable_cores() const {
  if (cpu_quota <= 0) return cores.size();
  const auto by_quota = static_cast<size_t>(std::max(1.0, std::ceil(cpu_quota - 1e-6)));
  return std::min(cores.size(), by_quota);
}

Result<Topology> discover_topology() {
  MNP_TRY(const HwlocTopology machine, load());
  Topology topology;
  topology.cores = usable_cores_of(machine.get(), usable_units(machine.get()).get());
  if (topology.cores.empty()) return fail(Code::kIo, "hwloc finds no core that may be used");
  const CgroupLimits limits = own_cgroup_limits();
  topology.cpu_quota = limits.cpus.value_or(0);
  topology.memory_bytes = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                          static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  if (limits.memory) topology.memory_bytes = std::min(topology.memory_bytes, *limits.memory);
  topology.summary =
      summarize(topology, hwloc_get_nbobjs_by_type(machine.get(), HWLOC_OBJ_NUMANODE));
  return topology;
}

}  // namespace mnp::cpu
