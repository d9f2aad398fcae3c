// `mnp plan FILE`: what `mnp run` would do.
#include <fmt/format.h>

#include "launcher/commands.hpp"
#include "launcher/plan_text.hpp"
#include "launcher/planning.hpp"

namespace mnp::launcher {

Result<int> run(const PlanOptions& options) {
  MNP_TRY(const auto spec, read_pipeline(options.pipeline));
  MNP_TRY(const auto planned, make_plan(spec, program_folder()));
  fmt::print("{}",
             options.json ? plan_summary_json(planned.plan) + "\n" : plan_to_text(planned.plan));
  return 0;
}

}  // namespace mnp::launcher
