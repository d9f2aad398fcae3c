// One stage of a plan as a Batch job.
#pragma once

#include <string>
#include <vector>

#include "launcher/run_folder.hpp"
#include "mnp/model/batch.hpp"

namespace mnp::launcher {

/// `depends_on`: ids of the jobs of earlier stages. `fresh_failures`: `resume`.
model::SubmitJob stage_job(const RunFolder& run, const model::StagePlan& stage,
                           std::vector<std::string> depends_on, bool fresh_failures);

}  // namespace mnp::launcher
