// The agent: the process that the keeper starts, and that is the node's main or child.
#pragma once

#include "mnp/core/fd.hpp"
#include "mnp/core/ids.hpp"
#include "mnp/node/identify.hpp"

namespace mnp::node {

/// Runs to the end of the node's part in the stage. The value is the process's exit status; the
/// keeper has been told when it is the node's. `page`: the memory of the keeper's LeasePage.
int run_agent(const Identity& me, Incarnation incarnation, Fd link, Fd page);

}  // namespace mnp::node
