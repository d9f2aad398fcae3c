// What this node has: cores that may be used, CPU quota and memory, as hwloc and cgroups say.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mnp/core/result.hpp"

namespace mnp::cpu {

/// One core: the os indexes of its hardware threads, for sched_setaffinity(2).
using Core = std::vector<int>;

struct Topology {
  /// Cores that this process may use (affinity and cpuset), neighbours beside each other: in the
  /// order of packages, NUMA nodes and shared caches. Never empty.
  std::vector<Core> cores;
  double cpu_quota = 0;       // in cores, from cgroup cpu.max or cfs_quota; 0: none
  uint64_t memory_bytes = 0;  // the smaller of the machine's memory and the cgroups' limits
  std::string summary;        // for people: "8 cores (16 threads, 2 NUMA nodes), 32.0 GiB"

  /// Cores to plan with: all, or as many as the quota lets run at once (rounded up, at least 1).
  size_t usable_cores() const;
};

/// kIo when hwloc cannot read the machine.
Result<Topology> discover_topology();

}  // namespace mnp::cpu
