// `mnp plan FILE`: what `mnp run` would do.
#include <memory>

#include <fmt/format.h>

#include "launcher/cli.hpp"
#include "launcher/plan_text.hpp"
#include "launcher/planning.hpp"

namespace mnp::launcher {
namespace {

struct Options {
  PipelineOptions pipeline;
  bool json = false;
};

Result<int> run(const Options& options) {
  MNP_TRY(const auto spec, read_pipeline(options.pipeline));
  MNP_TRY(const auto planned, make_plan(spec, program_folder()));
  fmt::print("{}",
             options.json ? plan_summary_json(planned.plan) + "\n" : plan_to_text(planned.plan));
  return 0;
}

}  // namespace

void add_plan(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("plan", "show what a pipeline file comes to");
  add_pipeline_options(*command, options->pipeline);
  command->add_flag("--json", options->json,
                    "{name, stages: [{name, nodes, commands, program, after, attempts, "
                    "evaluate_on_exit}]}");
  command->footer(
      "Runs the programs of `from`, nothing else.\n\nExamples:\n"
      "  mnp plan pipeline.yaml\n  mnp plan pipeline.yaml --nodes 2 --json");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace mnp::launcher
