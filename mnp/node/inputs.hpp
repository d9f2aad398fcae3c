// A stage's inputs on one node: $MNP_INPUTS/<name>, before the first command starts.
#pragma once

#include <string>

#include "mnp/core/files.hpp"
#include "mnp/core/result.hpp"
#include "mnp/model/ownership.hpp"
#include "mnp/model/plan.hpp"

namespace mnp::node {

/// Where an input is read from: an earlier stage's results, or the path that the file names.
fs::path input_source(const fs::path& store, const model::RunKeys& run, const model::Input& input);

/// Links every input that is not broadcast below `folder`; those that are, where `here` says that
/// this node reads them itself (main, and a stage of one node). kConfig when a source is missing.
Status link_inputs(const fs::path& store, const model::RunKeys& run, const model::StageSpec& spec,
                   const fs::path& folder, bool here);

/// kConfig when what a stage among the inputs has published is not there as it was.
Status check_inputs(FolderStore& store, const model::RunKeys& run, const model::Plan& plan,
                    const model::StageSpec& spec);

/// A line `name place` for every input, for commands that fetch them (`stage_inputs: false`).
std::string input_places(const fs::path& store, const model::RunKeys& run,
                         const model::StageSpec& spec);

/// Removes what lies below `received` and no input is linked to: parts of a broadcast that was
/// broken off, or files that nobody has heard of.
void remove_unlinked(const fs::path& received, const fs::path& folder);

/// A broadcast input has arrived at `received`.
Status link_broadcast(const fs::path& folder, const std::string& name, const fs::path& received);

}  // namespace mnp::node
