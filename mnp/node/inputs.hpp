// A stage's inputs on one node: $MNP_INPUTS/<name>, before the first command starts.
#pragma once

#include <atomic>
#include <string>

#include "mnp/core/files.hpp"
#include "mnp/core/result.hpp"
#include "mnp/node/context.hpp"

namespace mnp::node {

/// Brings every input that is not broadcast below the node's folder of inputs, and those that are,
/// where `here` says that this node reads them itself (main, and a stage of one node): a link to
/// what lies in a folder, a copy of what lies in S3. kConfig when a source is missing, or a copy
/// has no room on the node's disk. `cancel` ends the copying.
Status bring_inputs(const Context& context, bool here, const std::atomic<bool>& cancel);

/// kConfig when what a stage among the inputs has published is not there as it was.
Status check_inputs(const Context& context);

/// A line `name place` for every input, for commands that fetch them (`stage_inputs: false`).
std::string input_places(const Context& context);

/// Removes what lies below `received` and no input is linked to: parts of a broadcast that was
/// broken off, or files that nobody has heard of.
void remove_unlinked(const fs::path& received, const fs::path& folder);

/// A broadcast input has arrived at `received`.
Status link_broadcast(const fs::path& folder, const std::string& name, const fs::path& received);

}  // namespace mnp::node
