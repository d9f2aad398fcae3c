// `mnp resume [RUN]`: runs what is not done, in the same run folder.
#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "launcher/cli.hpp"
#include "launcher/command_numbers.hpp"
#include "launcher/commands.hpp"
#include "launcher/foreground.hpp"
#include "launcher/local_host.hpp"
#include "launcher/run_state.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/published.hpp"

namespace mnp::launcher {
namespace {

// A keeper whose `mnp run` is gone ends everything within seconds.
constexpr std::chrono::seconds kNodesLimit{60};
constexpr Milliseconds kPoll{200};

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
          Code::kExists,
          fmt::format("{} nodes of the earlier run still hold their locks in {} after {} s: "
                      "{}",
                      held.size(), (run.local() / ".locks").string(), kNodesLimit.count(),
                      join(held, ", ")));
    std::this_thread::sleep_for(kPoll);
  }
  return remove_tree(run.local() / ".locks");
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

/// Where nothing is left to run, of `only` or, where that is empty, of all stages: says what is not
/// there any more that a stage has published, and which commands a list has got since; what has
/// succeeded is not run again. (A stage that runs looks at its inputs itself.)
Result<int> look_at_published(const RunFolder& run, const model::Plan& plan,
                              const std::string& only) {
  Status all;
  for (const model::StagePlan& stage : plan.stages) {
    if (!only.empty() && stage.spec.name != only) continue;
    auto as_left = model::check_published(*run.store, run.keys(), stage);
    if (as_left) as_left = refuse_added(run, stage);
    if (as_left) continue;
    if (as_left.error().code != Code::kConfig) return fail(as_left.error());
    tell(as_left.error().text);
    all = std::move(as_left);
  }
  if (!all) return code_info(all.error().code).exit_status;
  tell(fmt::format("{}: nothing to do, {} has succeeded", run.id,
                   only.empty() ? "all of it" : "stage " + only));
  return 0;
}

}  // namespace

Result<int> run(const ResumeOptions& options) {
  MNP_TRY(const auto store, open_store(options.store));
  MNP_TRY(const auto found, find_run(store, options.run));
  MNP_CHECK(refuse_foreign(found, Look::kTwice));
  MNP_TRY(const auto lock, hold_run(found));
  MNP_CHECK(wait_for_nodes(found, options.quiet));
  MNP_TRY(const auto plan, found.plan());
  MNP_TRY(const auto submitted, found.submitted());
  remove_left_scratch(found.id, submitted);
  MNP_TRY(const auto state, read_run_state(found, false));
  ForegroundOptions foreground;
  MNP_TRY(foreground.stages, stages_to_run(plan, state, options.only));
  for (const std::string& stage : foreground.stages)
    if (!options.renumbered) MNP_CHECK(refuse_renumbered(found, *plan.find(stage)));
  foreground.earlier = submitted;
  foreground.fresh_failures = true;
  foreground.quiet = options.quiet;
  Result<int> status = 0;
  if (foreground.stages.empty()) {
    status = look_at_published(found, plan, options.only);
  } else {
    if (!options.quiet)
      tell(fmt::format("resuming {}: {}", found.id, join(foreground.stages, ", ")));
    status = run_in_foreground(found, plan, foreground);
  }
  const Status printed = print_end(found, options.json);
  if (status && !printed) return fail(printed.error());
  return status;
}

}  // namespace mnp::launcher
