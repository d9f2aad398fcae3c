// `mnp resume [RUN]`: runs what is not done, in the same run folder.
#include <algorithm>
#include <memory>
#include <thread>

#include <fmt/format.h>

#include "launcher/cli.hpp"
#include "launcher/foreground.hpp"
#include "launcher/node_environment.hpp"
#include "launcher/run_state.hpp"
#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

// A keeper whose `mnp run` is gone ends everything within seconds.
constexpr std::chrono::seconds kNodesLimit{60};
constexpr Milliseconds kPoll{200};

struct Options {
  std::string run, store, only;
  bool json = false, quiet = false;
};

Status wait_for_nodes(const RunFolder& run, bool quiet) {
  const TimePoint deadline = Clock::now() + kNodesLimit;
  size_t shown = 0;
  for (;;) {
    MNP_TRY(const auto held, held_node_locks(run));
    if (held.empty()) break;
    if (held.size() != shown && !quiet)
      tell(fmt::format("waiting for {} node{} of the earlier run to end", held.size(),
                       held.size() == 1 ? "" : "s"));
    shown = held.size();
    if (Clock::now() >= deadline)
      return fail(
          Code::kTimeout,
          fmt::format("{} nodes of the earlier run still hold their locks in {} after {} s: "
                      "{}",
                      held.size(), (run.path() / ".locks").string(), kNodesLimit.count(),
                      join(held, ", ")));
    std::this_thread::sleep_for(kPoll);
  }
  return remove_tree(run.path() / ".locks");
}

/// Scratch folders that an `mnp run` which was killed could not remove.
void remove_left_scratch(const RunFolder& run, const Submitted& submitted) {
  std::error_code error;
  const fs::path temporary = fs::temp_directory_path(error);
  const auto names = list_folder(temporary);
  if (error || !names) return;
  for (const auto& submission : submitted.submissions)
    for (const auto& job : submission.jobs)
      for (const std::string& name : *names)
        if (starts_with(name, scratch_prefix(run.id, job.detail.id)))
          (void)remove_tree(temporary / name);
}

/// The stages that have not succeeded; with `only`, that one if it has not.
Result<std::vector<std::string>> stages_to_run(const model::Plan& plan, const RunState& state,
                                               const std::string& only) {
  std::vector<std::string> missing, all;
  for (const StageState& stage : state.stages) {
    all.push_back(stage.name);
    if (!stage.succeeded()) missing.push_back(stage.name);
  }
  if (only.empty()) return missing;
  const model::StagePlan* stage = plan.find(only);
  if (stage == nullptr) {
    const std::string near = nearest(only, all);
    return fail(Code::kUsage, fmt::format("--only {}: the run has no such stage; {}", only,
                                          near.empty() ? "it has " + join(all, ", ")
                                                       : "do you mean " + near + "?"));
  }
  const auto is_missing = [&](const std::string& name) {
    return std::find(missing.begin(), missing.end(), name) != missing.end();
  };
  for (const std::string& before : stage->after)
    if (is_missing(before))
      return fail(Code::kUsage,
                  fmt::format("--only {}: stage {} must have succeeded first; leave out --only",
                              only, before));
  return is_missing(only) ? std::vector<std::string>{only} : std::vector<std::string>{};
}

Result<int> run(const Options& options) {
  MNP_TRY(const auto store, store_folder(options.store));
  MNP_TRY(const auto found, find_run(store, options.run));
  MNP_TRY(const auto lock, hold_run(found));
  MNP_CHECK(wait_for_nodes(found, options.quiet));
  MNP_TRY(const auto plan, found.plan());
  MNP_TRY(const auto submitted, found.submitted());
  remove_left_scratch(found, submitted);
  MNP_TRY(const auto state, read_run_state(found, false));
  ForegroundOptions foreground;
  MNP_TRY(foreground.stages, stages_to_run(plan, state, options.only));
  foreground.fresh_failures = true;
  foreground.quiet = options.quiet;
  Result<int> status = 0;
  if (foreground.stages.empty()) {
    tell(fmt::format("{}: nothing to do, all of it has succeeded", found.id));
  } else {
    if (!options.quiet)
      tell(fmt::format("resuming {}: {}", found.id, join(foreground.stages, ", ")));
    status = run_in_foreground(found, plan, foreground);
  }
  MNP_CHECK(print_end(found, options.json));
  return status;
}

}  // namespace

void add_resume(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("resume", "run what a run has not done");
  add_run_argument(*command, options->run);
  add_store_option(*command, options->store);
  command->add_option("--only", options->only, "this stage alone")->type_name("STAGE");
  command->add_flag("--json", options->json,
                    "instead of the run id, the last line of standard output is what `mnp status "
                    "--json` prints");
  command->add_flag("--quiet", options->quiet, "only failures on standard error");
  command->footer(
      "Commands that have succeeded are not run again; those that failed are, with their\n"
      "tries counted anew. Uses the run's own copies of the lists (stages/STAGE/commands.txt\n"
      "in its folder), whatever has become of the files that the pipeline names.\n"
      "\nExamples:\n  mnp resume\n  mnp resume reconstruction-20260131-142501-k3f9");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace mnp::launcher
