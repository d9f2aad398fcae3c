// One node of a local job: a process that stands for a container.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "mnp/core/fd.hpp"
#include "mnp/core/files.hpp"
#include "mnp/core/result.hpp"

namespace mnp::launcher {

/// Descriptor number under which a node finds its lifeline.
inline constexpr int kLifelineFd = 3;

struct NodeStart {
  std::vector<std::string> argv;         // program by path first
  std::vector<std::string> environment;  // NAME=value
  fs::path log;                          // gets standard output and standard error
  int lifeline = -1;                     // read end; the node has it as kLifelineFd
};

/// Owns nothing but the pidfd: whoever drops a running one leaves the process alone.
class NodeProcess {
 public:
  /// In a session of its own, with default signals, an empty mask, standard input from /dev/null.
  static Result<NodeProcess> start(const NodeStart& start);

  pid_t pid() const { return pid_; }
  const Fd& pidfd() const { return pidfd_; }  // readable once the process has ended
  void signal(int number) const;
  /// SIGKILL to the process and all its descendants, as when a container is removed.
  void kill_tree() const;
  /// After the end: its exit status as Batch counts it (128 + n for signal n).
  int reap();

 private:
  pid_t pid_ = -1;
  Fd pidfd_;
};

/// Ends and reaps children of this process that are not in `own`: what nodes that were killed
/// have left, once this process is their subreaper.
void end_strays(const std::vector<pid_t>& own);

}  // namespace mnp::launcher
