// What mnp-rank is told by its environment (mnp/model/environment.hpp).
#pragma once

#include <string>

#include "mnp/core/files.hpp"
#include "mnp/core/ids.hpp"
#include "mnp/core/result.hpp"

namespace mnp::comms {

struct RankEnvironment {
  std::string agent_socket;
  EpochNumber epoch;
  NodeIndex node;
  fs::path files;  // what is broadcast arrives here
};

/// kConfig names the variable that is missing or is no number.
Result<RankEnvironment> read_rank_environment();

}  // namespace mnp::comms
