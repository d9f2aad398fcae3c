#include "launcher/stage_job.hpp"

#include "mnp/model/environment.hpp"

namespace mnp::launcher {
namespace {

/// Main holds the stage's timeout itself; Batch's stands behind it, for a main that hangs.
constexpr std::chrono::seconds kBatchTimeoutMargin{120};

}  // namespace

model::SubmitJob stage_job(const RunFolder& run, const model::StagePlan& stage,
                           std::vector<std::string> depends_on, bool fresh_failures) {
  model::SubmitJob job;
  job.name = (run.id + "-" + stage.spec.name).substr(0, model::kMaxJobName);
  job.queue = "local";
  job.depends_on = std::move(depends_on);
  job.num_nodes = stage.spec.nodes;
  job.environment[model::kStore] = run.in.name;
  job.environment[model::kRun] = run.id;
  job.environment[model::kStage] = stage.spec.name;
  if (fresh_failures) job.environment[model::kFreshFailures] = "1";
  job.attempts = stage.spec.retry_attempts;
  job.rules = model::standard_retry_rules();
  if (stage.spec.stage_timeout)
    job.timeout = std::chrono::ceil<std::chrono::seconds>(*stage.spec.stage_timeout +
                                                          stage.spec.join_timeout) +
                  kBatchTimeoutMargin;
  return job;
}

}  // namespace mnp::launcher
