// The client half of mnp-rsh: one request to the agent, output as it comes, the end.
#pragma once

#include <string>

#include "mnp/core/result.hpp"
#include "mnp/node/rsh_request.hpp"

namespace mnp::node {

/// Asks the agent at the Unix socket and copies the daemon's output to standard output and error
/// until it ends; gives its exit status, 128 and the signal for a killed one. The agent ends the
/// daemon when this process or its connection goes. kDenied: the agent refused, and says why;
/// kClosed: the agent went away.
Result<int> run_remote(const std::string& agent_socket, const SpawnRequest& request);

}  // namespace mnp::node
