// The system calls of a start: one clone(2) that shares memory until execve(2).
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <vector>

#include "mnp/core/fd.hpp"

namespace mnp::cpu {

/// Everything the child needs, ready made: between clone and execve it makes system calls only.
struct LaunchPlan {
  const char* path = nullptr;  // program to execute with `argv`; null: the shell at once
  char* const* argv = nullptr;
  char* const* shell_argv = nullptr;  // /bin/sh and its arguments if that fails; null: no shell
  char* const* environment = nullptr;
  const char* cwd = nullptr;            // null: stay
  const cpu_set_t* cpus = nullptr;      // null: no binding
  const char* oom_score_adj = nullptr;  // decimal; null: stay
  int input = -1;                       // becomes descriptor 0
  int output = -1;                      // becomes 1 and 2; both must be above 2
};

struct Launched {
  pid_t pid = 0;
  Fd pidfd;
  int error = 0;  // errno of what failed; a process that got no further is reaped already
};

/// Takes all descriptors that this process may have: a slot needs five, a node's channel one. What
/// a Launcher starts has the limit that was there before. Before threads.
void raise_descriptor_limit();

/// Starts processes for one thread at a time, which must have all signals blocked.
class Launcher {
 public:
  /// Notes which signals this process ignores or handles: they get their default in the child.
  Launcher();
  /// The child: leader of a new session, killed when the calling thread ends, with default signal
  /// dispositions, an empty mask and the descriptors 0, 1 and 2.
  Launched launch(const LaunchPlan& plan);

 private:
  std::vector<int> changed_signals_;
  std::unique_ptr<char[]> stack_;
};

}  // namespace mnp::cpu
