// What /proc says about other processes. Everything may be outdated when it returns.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace mnp::cpu {

struct ProcessInfo {
  char state = '?';  // 'Z': zombie
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  uint32_t flags = 0;  // the kernel's PF_*
  uint64_t born = 0;   // clock ticks since boot
};

/// /proc/PID/stat; nullopt when there is no such process.
std::optional<ProcessInfo> read_process(pid_t pid);

/// Children of all threads of a process.
std::vector<pid_t> children_of(pid_t pid);

/// The same for a walk over many processes. Kernels without CONFIG_PROC_CHILDREN know parents only:
/// there all of /proc is read once, at the first question, and answers are as old as that.
class ChildrenWalk {
 public:
  std::vector<pid_t> of(pid_t pid);

 private:
  bool scanned_ = false;
  std::unordered_multimap<pid_t, pid_t> by_parent_;
};

/// Pids in a `children` file's text.
std::vector<pid_t> parse_children(const char* text, size_t length);

/// NUL-separated entries; empty when it may not be read or the process is a zombie.
std::string read_environment(pid_t pid);
/// Whether all `entries` ("NAME=value") are in it; false for no entries.
bool has_entries(const std::string& environment, const std::vector<std::string>& entries);

/// The process runs the same program file as this one and has not called execve since its fork:
/// a child of this process on its way to its command.
bool is_own_image(pid_t pid, const ProcessInfo& info);

/// Peak resident set from /proc/PID/status; 0 when unknown.
uint64_t peak_rss_kib(pid_t pid);

/// Now, on the clock of ProcessInfo::born.
uint64_t ticks_since_boot();

}  // namespace mnp::cpu
