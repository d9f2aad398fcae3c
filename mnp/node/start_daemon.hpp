// The far side of mnp-rsh: from a checked request to a running daemon.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mnp/core/fd.hpp"
#include "mnp/node/rsh_request.hpp"
#include "mnp/node/spawn.hpp"

namespace mnp::node {

/// What to execute: nothing in it is left to a shell.
struct DaemonPlan {
  std::string path;                      // absolute
  std::vector<std::string> argv;         // with the program's name
  std::vector<std::string> environment;  // complete, "NAME=value"
};

/// Checks the request (check_spawn), looks the program up (a bare name in the resulting PATH; a
/// path must be an existing program of that base name) and expands references from `base`.
/// `extra` replaces entries of the same name and wins over what the request asks for.
Result<DaemonPlan> plan_daemon(const SpawnRequest& request, const std::vector<std::string>& base,
                               const std::vector<std::string>& extra);

/// A daemon in a session of its own; standard input is /dev/null.
struct StartedDaemon {
  pid_t pid = 0;
  Fd pidfd;           // readable once it has ended
  Fd output, errors;  // non-blocking read ends
};
/// Starts it with this process's environment as base. An empty `work_dir`: stay here.
Result<StartedDaemon> start_daemon(const SpawnRequest& request,
                                   const std::vector<std::string>& extra,
                                   const std::string& work_dir);
/// Its end, once the pidfd is readable; nullopt before. Reaps it: to be asked until it answers.
Result<std::optional<SpawnExit>> daemon_end(const StartedDaemon& daemon);
/// SIGKILL to the daemon and to its process group; nothing once it has been reaped.
void kill_daemon(const StartedDaemon& daemon);

}  // namespace mnp::node
