// What mnp-node is told on its command line, and the keeper that it becomes.
#pragma once

#include <string>
#include <vector>

#include "mnp/core/ids.hpp"
#include "mnp/core/result.hpp"
#include "mnp/node/identify.hpp"

namespace mnp::node {

struct NodeArguments {
  std::string answer;  // to --help or --version; else empty
  int link = -1;       // of an agent: the descriptor to its keeper
  int page = -1;       // and the memory that it shares with it
  Incarnation incarnation{1};
  bool key_kept = false;  // by the keeper, for an agent
};
/// kUsage says what is understood.
Result<NodeArguments> parse_node_arguments(const std::vector<std::string>& words);

/// Runs the keeper of this node; gives its exit status. A join secret leaves the environment here
/// and is wiped: agents and commands never see it.
int run_node_keeper(const Identity& me, const char* program);

}  // namespace mnp::node
