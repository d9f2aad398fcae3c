// The keeper: first process of a node, PID 1 of a container. It starts the agent, reaps, forwards
// signals, holds the lease's deadline, and ends everything that the node started when the
// deadline passes, the agent dies or `mnp run` is gone. It does nothing else, so that it outlives.
#pragma once

#include <string>
#include <vector>

#include "mnp/core/fd.hpp"
#include "mnp/core/result.hpp"
#include "mnp/node/keeper_link.hpp"

namespace mnp::node {

struct KeeperOptions {
  bool main = false;  // main's agent is never started again
  int lifeline = -1;  // descriptor; end of file: end everything
  std::string lock;   // file held locked while the keeper lives; empty: none
  std::string key;    // text of the join key, where a secret gives it; else empty
  LeaseClock clock{LeaseClock::Sleep::kLost};
  Milliseconds stop_limit{23000};  // for the agent to end after SIGTERM; Batch kills after 30 s
  std::vector<std::string> agent;  // argv; "--link FD --page FD --incarnation N" is appended
};

/// What the keeper hears waits for it from here on: Linux drops a signal to PID 1 that has no
/// handler. First thing of a process that will be a keeper.
void block_keeper_signals();

/// Runs until the node is at its end. The value is the keeper's exit status: the agent's, 137
/// when the agent died or hung on main or too often on a child, or when `mnp run` is gone; after a
/// forwarded SIGTERM, SIGINT, SIGHUP or SIGQUIT no agent is started again, and one that this signal
/// killed before it could say more, or that has not ended within `stop_limit`, counts as stopped
/// (40). What ends a child's agent under a suspect is the suspect's matter: it is not counted.
Result<int> run_keeper(const KeeperOptions& options);

}  // namespace mnp::node
