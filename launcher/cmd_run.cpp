// `mnp run FILE`: the whole pipeline, here.
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "launcher/cli.hpp"
#include "launcher/commands.hpp"
#include "launcher/earlier_costs.hpp"
#include "launcher/foreground.hpp"
#include "launcher/local_host.hpp"
#include "launcher/plan_text.hpp"
#include "launcher/planning.hpp"
#include "launcher/run_state.hpp"
#include "mnp/core/signals.hpp"
#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

/// The file as it was read; for --commands the file that says the same.
std::string pipeline_text(const PipelineOptions& options, const model::Spec& spec) {
  if (!options.file.empty()) return spec.text;
  const model::StageSpec& stage = spec.stages.front();
  std::string text =
      fmt::format("name: {}\nstages:\n  - name: {}\n    nodes: {}\n    commands: {}\n", spec.name,
                  stage.name, stage.nodes,
                  nlohmann::json(stage.commands.path)
                      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  if (stage.cpus) text += fmt::format("    cpus: {}\n", *stage.cpus);
  if (stage.tries > 1) text += fmt::format("    tries: {}\n", stage.tries);
  if (stage.timeout) text += fmt::format("    timeout: {}\n", model::duration_text(*stage.timeout));
  return text;
}

/// With the costs that an earlier run knows, where the order is by cost and the list has none.
Status add_costs(const RunFolder& run, const std::string& pipeline, const model::StageSpec& stage,
                 std::string& text) {
  if (stage.order != model::Order::kLongestFirst) return {};
  MNP_TRY(const auto list, model::CommandList::parse(text, stage.commands.path));
  auto hinted = with_earlier_costs(run.in, pipeline, stage.name, list);
  if (!hinted) return {};
  tell(fmt::format("stage {}: longest first, by what {} of {} commands took in {}", stage.name,
                   hinted->costs, list.size(), join(hinted->runs, ", ")));
  text = std::move(hinted->text);
  return {};
}

/// Copies a stage's list; counts it there, so that plan and copy agree whatever happens meanwhile.
Status store_list(const RunFolder& run, const std::string& pipeline, model::StagePlan& stage,
                  ResolvedList& list) {
  if (!stage.spec.program.empty()) return {};
  const std::string key = run.stage(stage.spec.name).commands();
  if (!list.path.empty()) {
    MNP_TRY(list.text, read_file(list.path, model::kMaxListBytes));
  }
  MNP_CHECK(add_costs(run, pipeline, stage.spec, list.text));
  MNP_CHECK(run.store->put_new(key, list.text));
  MNP_TRY(const auto copy, model::open_list(*run.store, key));
  stage.commands = copy.size();
  return {};
}

/// Everything that nodes read. The plan comes last: with it the run is there.
Status write_run(const RunFolder& run, PlannedRun& planned, const std::string& pipeline) {
  MNP_CHECK(run.store->put_new(run.keys().pipeline(), pipeline));
  for (size_t i = 0; i < planned.lists.size(); ++i)
    MNP_CHECK(store_list(run, planned.plan.name, planned.plan.stages[i], planned.lists[i]));
  return run.store->put_new(run.keys().plan(), model::plan_to_json(planned.plan));
}

void warn_of_aws_keys(const model::Spec& spec) {
  if (const std::string keys = aws_keys(spec); !keys.empty())
    tell(fmt::format("only on AWS, without effect here: {}", keys));
}

Result<int> run_here(const RunOptions& options, const model::Spec& spec, PlannedRun& planned) {
  MNP_CHECK(local_host(most_nodes(planned.plan)).map([](const LocalHost&) {}));
  MNP_TRY(const auto store, open_store(options.store, spec.store));
  const std::string pipeline = pipeline_text(options.pipeline, spec);
  const RunFolder run = run_folder(store, planned.plan.run);
  // One that comes before all is written waits for run_in_foreground: half a run is none.
  MNP_TRY(const Fd signals, catch_signals(kStopSignals));
  if (auto made = make_folders(run.local()); !made)
    return fail(made.error().code, made.error().text + "; name another store with --store DIR");
  MNP_TRY(const auto lock, hold_run(run));
  Status written;
  until_stopped(signals, [&] {
    written = write_run(run, planned, pipeline);
    if (!written) (void)remove_run(run);  // half a run is none
  });
  if (!written) {
    (void)remove_tree(run.local());
    if (written.error().code != Code::kStopped) return fail(written.error());
    return fail(Code::kStopped,
                "stopped before the run was there; the store does not answer, and "
                "may keep a part of it in " +
                    run.place());
  }
  if (!options.quiet) tell(fmt::format("run {} in {}", run.id, run.place()));
  ForegroundOptions foreground;
  for (const auto& stage : planned.plan.stages) foreground.stages.push_back(stage.spec.name);
  foreground.quiet = options.quiet;
  auto status = run_in_foreground(run, planned.plan, foreground);
  const Status printed = print_end(run, options.json);
  if (status && !printed) return fail(printed.error());
  return status;
}

}  // namespace

Result<int> run(const RunOptions& options) {
  MNP_TRY(const auto spec, read_pipeline(options.pipeline));
  warn_of_aws_keys(spec);
  MNP_TRY(auto planned, make_plan(spec, program_folder()));
  if (!options.dry_run) return run_here(options, spec, planned);
  fmt::print("{}",
             options.json ? plan_summary_json(planned.plan) + "\n" : plan_to_text(planned.plan));
  return 0;
}

}  // namespace mnp::launcher
