#include "cpu/cgroup_limits.hpp"

#include <algorithm>
#include <vector>

#include "mnp/core/text.hpp"

namespace mnp::cpu {
namespace {

constexpr size_t kMaxFile = 1 << 20;
constexpr uint64_t kNoMemoryLimit = uint64_t{1} << 60;  // version 1 writes 2^63 rounded to pages

std::string read_trimmed(const fs::path& path) {
  const auto text = read_file(path, kMaxFile);
  return text ? std::string(trim(*text)) : std::string();
}

std::optional<int64_t> number_in(const std::string& text) {
  const auto value = parse_integer(text);
  return value ? std::optional(*value) : std::nullopt;
}

template <class T>
void lower(std::optional<T>& limit, std::optional<T> found) {
  if (found && (!limit || *found < *limit)) limit = found;
}

std::optional<double> ratio(std::optional<int64_t> quota, std::optional<int64_t> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::optional<uint64_t> memory_limit(const std::string& text) {
  const auto bytes = number_in(text);
  if (!bytes || *bytes <= 0 || static_cast<uint64_t>(*bytes) >= kNoMemoryLimit) return std::nullopt;
  return static_cast<uint64_t>(*bytes);
}

/// Both versions' files in one cgroup's folder; the files of the other version are not there.
void read_folder(const fs::path& folder, CgroupLimits& limits) {
  const auto quota_and_period = split(read_trimmed(folder / "cpu.max"), ' ');
  if (quota_and_period.size() == 2)
    lower(limits.cpus, ratio(number_in(quota_and_period[0]), number_in(quota_and_period[1])));
  lower(limits.cpus, ratio(number_in(read_trimmed(folder / "cpu.cfs_quota_us")),
                           number_in(read_trimmed(folder / "cpu.cfs_period_us"))));
  lower(limits.memory, memory_limit(read_trimmed(folder / "memory.max")));
  lower(limits.memory, memory_limit(read_trimmed(folder / "memory.limit_in_bytes")));
}

/// From `root` / `path` up to `root`.
void read_path(const fs::path& root, const std::string& path, CgroupLimits& limits) {
  read_folder(root, limits);
  fs::path folder = root;
  for (const std::string& part : split(path, '/')) {
    if (part.empty()) continue;
    if (part == "..") return;  // outside this cgroup namespace: only the root can be seen
    folder /= part;
    read_folder(folder, limits);
  }
}

}  // namespace

CgroupLimits read_cgroup_limits(std::string_view proc_cgroup, const fs::path& mount) {
  CgroupLimits limits;
  for (const std::string& line : split(proc_cgroup, '\n')) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {  // version 2, alone or beside version 1
      read_path(mount, path, limits);
      read_path(mount / "unified", path, limits);
      continue;
    }
    const auto names = split(controllers, ',');
    for (const std::string& name : names) {
      if (name != "cpu" && name != "memory") continue;
      read_path(mount / name, path, limits);
      if (names.size() > 1) read_path(mount / controllers, path, limits);
    }
  }
  return limits;
}

CgroupLimits own_cgroup_limits() {
  const auto text = read_file("/proc/self/cgroup", kMaxFile);
  return text ? read_cgroup_limits(*text, "/sys/fs/cgroup") : CgroupLimits{};
}

}  // namespace mnp::cpu
