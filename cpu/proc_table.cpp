#include "cpu/proc_table.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cctype>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <utility>

#include "mnp/core/fd.hpp"

namespace mnp::cpu {
namespace {

constexpr size_t kMaxProcFile = size_t{4} << 20;  // an environment is 6 MiB at the very most
constexpr uint32_t kForkedNotExecuted = 0x40;     // PF_FORKNOEXEC, include/linux/sched.h

std::string read_proc(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char buffer[4096];
  while (fd && text.size() < kMaxProcFile) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n <= 0) break;
    text.append(buffer, static_cast<size_t>(n));
  }
  return text;
}

std::string proc_path(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

/// The numeric entries of a folder of /proc.
std::vector<pid_t> numbers_in(const std::string& folder) {
  std::vector<pid_t> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()), ::closedir);
  while (const dirent* entry = dir ? ::readdir(dir.get()) : nullptr)
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])))
      numbers.push_back(static_cast<pid_t>(std::atol(entry->d_name)));
  return numbers;
}

std::string program_of(const std::string& link) {
  char target[4096];
  const ssize_t n = ::readlink(link.c_str(), target, sizeof target);
  return n > 0 ? std::string(target, static_cast<size_t>(n)) : std::string();
}

}  // namespace

std::optional<ProcessInfo> read_process(pid_t pid) {
  const std::string text = read_proc(proc_path(pid, "stat"));
  const size_t name_end = text.rfind(')');  // the name may hold anything, ')' included
  if (name_end == std::string::npos) return std::nullopt;
  ProcessInfo info;
  int parent = 0, group = 0, session = 0;
  unsigned flags = 0;
  unsigned long long born = 0;
  const int fields =
      std::sscanf(text.c_str() + name_end + 1,
                  " %c %d %d %d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                  &info.state, &parent, &group, &session, &flags, &born);
  if (fields != 6) return std::nullopt;
  info.parent = parent;
  info.group = group;
  info.session = session;
  info.flags = flags;
  info.born = born;
  return info;
}

std::vector<pid_t> parse_children(const char* text, size_t length) {
  std::vector<pid_t> pids;
  const char* const end = text + length;
  while (text < end) {
    pid_t pid = 0;
    const auto [next, error] = std::from_chars(text, end, pid);
    if (error == std::errc()) pids.push_back(pid);
    text = next + 1;  // the blank after each pid
  }
  return pids;
}

std::vector<pid_t> children_of(pid_t pid) {
  return ChildrenWalk().of(pid);
}

std::vector<pid_t> ChildrenWalk::of(pid_t pid) {
  static const bool has_file =
      ::access("/proc/thread-self/children", R_OK) == 0;  // since Linux 3.5 and 4.2
  std::vector<pid_t> pids;
  if (has_file) {
    const std::string tasks = proc_path(pid, "task");
    for (const pid_t task : numbers_in(tasks)) {
      const std::string text = read_proc(tasks + "/" + std::to_string(task) + "/children");
      const auto more = parse_children(text.data(), text.size());
      pids.insert(pids.end(), more.begin(), more.end());
    }
    return pids;
  }
  if (!std::exchange(scanned_, true))
    for (const pid_t other : numbers_in("/proc"))
      if (const auto info = read_process(other)) by_parent_.emplace(info->parent, other);
  const auto [first, last] = by_parent_.equal_range(pid);
  for (auto child = first; child != last; ++child) pids.push_back(child->second);
  return pids;
}

std::string read_environment(pid_t pid) {
  return read_proc(proc_path(pid, "environ"));
}

bool has_entries(const std::string& environment, const std::vector<std::string>& entries) {
  for (const std::string& entry : entries) {
    const std::string whole = entry + '\0';
    const bool first = environment.compare(0, whole.size(), whole) == 0;
    if (!first && environment.find('\0' + whole) == std::string::npos) return false;
  }
  return !entries.empty();
}

bool is_own_image(pid_t pid, const ProcessInfo& info) {
  return (info.flags & kForkedNotExecuted) != 0 &&
         program_of(proc_path(pid, "exe")) == program_of("/proc/self/exe");
}

uint64_t peak_rss_kib(pid_t pid) {
  const std::string text = read_proc(proc_path(pid, "status"));
  const size_t at = text.find("VmHWM:");
  return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + 6, nullptr, 10);
}

uint64_t ticks_since_boot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  static const auto per_second = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
  return static_cast<uint64_t>(now.tv_sec) * per_second +
         static_cast<uint64_t>(now.tv_nsec) * per_second / 1'000'000'000u;
}

}  // namespace mnp::cpu
