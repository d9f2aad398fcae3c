#include "cpu/launch.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>

// The child runs in this process's memory while the calling thread waits (CLONE_VFORK). So it
// calls the kernel only, with `syscall`, which no sanitizer intercepts, and is not instrumented.
#define MNP_IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined"), noinline))

// glibc's other name of clone(3), behind which no sanitizer's interceptor sits.
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" int __clone(int (*)(void*), void*, int, void*, ...);

namespace mnp::cpu {
namespace {

constexpr size_t kStackBytes = 64 << 10;
constexpr int kMaxDescriptors = 65536;  // closed one by one where the kernel has no close_range

struct KernelSigaction {  // as rt_sigaction(2) wants it; all zero: the default
  unsigned long words[4] = {0, 0, 0, 0};
};

std::optional<rlimit> given_limit;  // of descriptors, where this process has raised its own

struct ChildArgument {
  const LaunchPlan* plan = nullptr;
  const int* signals = nullptr;
  size_t signal_count = 0;
  pid_t parent = 0;
  int descriptor_limit = 0;
  const rlimit* given_limit = nullptr;
  // The child's answers.
  int error = 0;
  bool oom_refused = false;
};

MNP_IN_CHILD void close_all_above_2(int limit) {
  if (::syscall(SYS_close_range, 3u, ~0u, 0u) == 0) return;
  for (int fd = 3; fd < limit; ++fd) ::syscall(SYS_close, fd);
}

MNP_IN_CHILD bool write_oom_score(const char* text) {
  const long fd =
      ::syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);
  if (fd < 0) return false;
  size_t length = 0;
  while (text[length] != '\0') ++length;
  ::syscall(SYS_write, fd, text, length);
  ::syscall(SYS_close, fd);
  return true;
}

MNP_IN_CHILD int become_command(ChildArgument& argument) {
  const LaunchPlan& plan = *argument.plan;
  ::syscall(SYS_setsid);
  if (::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return errno;
  if (::syscall(SYS_getppid) != argument.parent) return ESRCH;  // it died before the prctl
  if (plan.cpus && ::syscall(SYS_sched_setaffinity, 0, sizeof(cpu_set_t), plan.cpus) != 0)
    return errno;
  argument.oom_refused = plan.oom_score_adj && !write_oom_score(plan.oom_score_adj);
  if (::syscall(SYS_dup3, plan.input, 0, 0) < 0 || ::syscall(SYS_dup3, plan.output, 1, 0) < 0 ||
      ::syscall(SYS_dup3, plan.output, 2, 0) < 0)
    return errno;
  close_all_above_2(argument.descriptor_limit);
  if (argument.given_limit &&
      ::syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, argument.given_limit, nullptr) != 0)
    return errno;
  if (plan.cwd && ::syscall(SYS_chdir, plan.cwd) != 0) return errno;
  const KernelSigaction standard;
  for (size_t i = 0; i < argument.signal_count; ++i)
    ::syscall(SYS_rt_sigaction, argument.signals[i], &standard, nullptr, sizeof(uint64_t));
  const uint64_t none = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof none);
  if (plan.path) ::syscall(SYS_execve, plan.path, plan.argv, plan.environment);
  if (plan.shell_argv) ::syscall(SYS_execve, "/bin/sh", plan.shell_argv, plan.environment);
  return errno;
}

MNP_IN_CHILD int child_main(void* raw) {
  auto& argument = *static_cast<ChildArgument*>(raw);
  argument.error = become_command(argument);
  ::syscall(SYS_exit_group, 127);
  return 127;
}

/// The child of a process that is not dumpable may not write its own score before execve, unless
/// it is root. Where it is forbidden altogether the score stays.
void write_oom_score_of(pid_t pid, std::string_view text) {
  const std::string path = "/proc/" + std::to_string(pid) + "/oom_score_adj";
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (fd && ::write(fd.get(), text.data(), text.size()) < 0) return;
}

}  // namespace

Launcher::Launcher() : stack_(new char[kStackBytes]) {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_DFL)
      changed_signals_.push_back(signal);
  }
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  rlimit most = limit;
  most.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &most) == 0) given_limit = limit;
}

Launched Launcher::launch(const LaunchPlan& plan) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  ChildArgument argument;
  argument.given_limit = given_limit ? &*given_limit : nullptr;
  argument.plan = &plan;
  argument.signals = changed_signals_.data();
  argument.signal_count = changed_signals_.size();
  argument.parent = ::getpid();
  // What is inherited lies below the limit that was given; ours above it close by themselves.
  const rlim_t given = given_limit ? given_limit->rlim_cur : limit.rlim_cur;
  argument.descriptor_limit =
      static_cast<int>(std::min(given, static_cast<rlim_t>(kMaxDescriptors)));
  int pidfd = -1;
  char* const top = stack_.get() + (kStackBytes & ~size_t{15});
  const pid_t pid =
      __clone(child_main, top, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &argument, &pidfd);
  Launched launched;
  if (pid < 0) {
    launched.error = errno;
    return launched;
  }
  launched.pidfd.reset(pidfd);
  if (argument.error != 0) {
    ::waitpid(pid, nullptr, 0);  // it is on its last step: this does not block for long
    launched.error = argument.error;
    return launched;
  }
  launched.pid = pid;
  if (argument.oom_refused) write_oom_score_of(pid, plan.oom_score_adj);
  return launched;
}

}  // namespace mnp::cpu
