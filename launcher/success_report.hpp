// What to tell the operator of stages that succeeded.
#pragma once

#include <string>
#include <vector>

#include "launcher/run_state.hpp"

namespace mnp::launcher {

/// What the operator of a stage that succeeded should know all the same: failures that were
/// allowed, a `reduce` that matched nothing, what main itself remarked. A line each.
std::vector<std::string> stage_notes(const RunFolder& run, const model::StagePlan& plan,
                                     const StageState& stage);

/// "results of STAGE: FOLDER" for every stage that has published something.
std::vector<std::string> result_places(const RunFolder& run, const model::Plan& plan);

}  // namespace mnp::launcher
