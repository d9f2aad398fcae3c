// This machine as Batch's infrastructure: checked before a run writes anything.
#pragma once

#include "launcher/local_attempt.hpp"
#include "launcher/submitted.hpp"

namespace mnp::launcher {

/// mnp-node, the folder for scratch (TMPDIR) and the port of main nodes (MNP_PORT), for stages of
/// up to `nodes` nodes; without a store and a run. kConfig says what to type.
Result<LocalHost> local_host(uint32_t nodes);

/// mnp-node beside this program, else on PATH.
Result<std::string> find_node_program();

/// Scratch folders that an `mnp run` which was killed could not remove.
void remove_left_scratch(const std::string& run, const Submitted& submitted);

/// Most bytes that the path of the folder for scratch may have.
size_t longest_temporary(uint32_t nodes);

}  // namespace mnp::launcher
