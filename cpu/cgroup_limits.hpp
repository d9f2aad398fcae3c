// The limits that cgroups (version 1, 2 or both) put on this process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mnp/core/files.hpp"

namespace mnp::cpu {

struct CgroupLimits {
  std::optional<double> cpus;      // quota / period, in cores
  std::optional<uint64_t> memory;  // bytes
  bool operator==(const CgroupLimits&) const = default;
};

/// The smallest limits on the path from the process's own cgroup up to the root of the mounted
/// tree. `proc_cgroup` is the text of /proc/self/cgroup, `mount` is /sys/fs/cgroup. In a container
/// that path is often not below `mount`, where the container's own cgroup is the root: then only
/// the root is read. What cannot be read or parsed is no limit.
CgroupLimits read_cgroup_limits(std::string_view proc_cgroup, const fs::path& mount);

/// The same of this process.
CgroupLimits own_cgroup_limits();

}  // namespace mnp::cpu
