// The far side of mnp-rsh: from a checked request to what is to be executed.
#pragma once

#include <string>
#include <vector>

#include "mnp/node/rsh_request.hpp"

namespace mnp::node {

/// What to execute: nothing in it is left to a shell.
struct DaemonPlan {
  std::string path;                      // absolute
  std::vector<std::string> argv;         // with the program's name
  std::vector<std::string> environment;  // complete, "NAME=value"
};

/// Checks the request (check_spawn), looks the program up (a bare name in the resulting PATH; a
/// path must be an existing program of that base name) and expands references from `base`.
/// `extra` replaces entries of the same name and wins over what the request asks for. kDenied,
/// kNotFound.
Result<DaemonPlan> plan_daemon(const SpawnRequest& request, const std::vector<std::string>& base,
                               const std::vector<std::string>& extra);

}  // namespace mnp::node
