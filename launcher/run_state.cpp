#include "launcher/run_state.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "launcher/failure_report.hpp"
#include "launcher/local_batch.hpp"
#include "launcher/table.hpp"
#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

using Json = nlohmann::ordered_json;

/// What progress.json says; of an older attempt's, what it has done.
void add_progress(StageState& state, const model::Progress& progress) {
  state.total = progress.total;
  state.done = progress.done;
  state.failed = progress.failed;
  if (progress.updated < state.started || progress.attempt != state.attempt) return;
  state.joined = progress.joined;
  state.running = progress.running;
  if (!progress.text.empty()) state.reason = progress.text;
}

void add_job(StageState& state, const model::JobDetail& job) {
  state.job = job.id;
  state.state = model::to_text(job.state);
  state.started = job.started;
  state.ended = job.stopped;
  state.nodes = job.num_nodes;
  if (job.status_reason != kMainExited) state.reason = job.status_reason;
  state.status = exit_status(job);
  const auto ended = static_cast<uint32_t>(job.attempts.size());
  state.attempt = model::has_ended(job.state) || job.started == 0 ? ended : ended + 1;
}

/// No `mnp` has submitted it: main's own words are all there is.
void add_unsubmitted(StageState& state, const model::Progress& progress) {
  state.state = progress.ended > 0 ? progress.state : "RUNNING";
  state.started = progress.started;
  state.ended = progress.ended;
  state.nodes = progress.nodes;
  state.attempt = progress.attempt;
  if (progress.ended > 0 && progress.status >= 0) state.status = progress.status;
}

/// `mnp run` has gone without a last word: main's own goodbye counts, if there is one.
void close_abandoned(StageState& state, const std::optional<model::Progress>& progress) {
  const bool said = progress && (progress->state == "SUCCEEDED" || progress->state == "FAILED") &&
                    progress->ended >= state.started && state.started > 0;
  const bool waits = state.state == "SUBMITTED" || state.state == "PENDING";
  if (waits && !said) return;
  state.state = said ? progress->state : "INTERRUPTED";
  state.running = 0;
  const double heard = !progress ? 0 : said ? progress->ended : progress->updated;
  state.ended = state.started > 0 && heard >= state.started ? heard : 0;
  if (said && progress->status >= 0) state.status = progress->status;
}

std::string why_it_failed(const StageState& stage) {
  std::string text = stage.name + " failed";
  if (stage.status)
    text += fmt::format(" with status {}: {}", *stage.status, meaning_of(*stage.status));
  if (!stage.reason.empty()) text += (stage.status ? "; " : ": ") + stage.reason;
  return text;
}

Json to_json(const StageState& stage) {
  const auto time = [](double seconds) { return seconds > 0 ? Json(seconds) : Json(nullptr); };
  Json json;
  json["name"] = stage.name;
  json["state"] = stage.state;
  json["attempt"] = stage.attempt;
  json["nodes"] = stage.nodes;
  json["joined"] = stage.joined;
  json["total"] = stage.total;
  json["done"] = stage.done;
  json["failed"] = stage.failed;
  json["running"] = stage.running;
  json["started"] = time(stage.started);
  json["ended"] = time(stage.ended);
  return json;
}

std::string run_word(const RunState& state, const Submission* last, bool live) {
  if (live) return "RUNNING";
  const auto any = [&](std::string_view word) {
    return std::any_of(state.stages.begin(), state.stages.end(),
                       [&](const StageState& stage) { return stage.state == word; });
  };
  const bool all_succeeded = std::all_of(state.stages.begin(), state.stages.end(),
                                         [](const StageState& each) { return each.succeeded(); });
  if (all_succeeded) return "SUCCEEDED";
  if (last != nullptr && last->stopped) return "STOPPED";
  return any("FAILED") && !any("INTERRUPTED") ? "FAILED" : "INTERRUPTED";
}

}  // namespace

uint64_t succeeded_of(const StageState& stage) {
  return stage.done - std::min(stage.done, stage.failed);
}

/// Main's word, where it is of this attempt. One that has said its end has children to wait for.
std::string running_phase(const StageState& state, const std::optional<model::Progress>& progress) {
  if (!progress) return "JOINING";
  if (progress->attempt != state.attempt) return "RUNNING";
  if (progress->ended == 0) return progress->state;
  return progress->ended >= state.started ? "DRAINING" : "RUNNING";
}

StageState stage_state(const model::StagePlan& stage, const SubmittedJob* job,
                       const std::optional<model::Progress>& progress, bool live) {
  StageState state;
  state.name = stage.spec.name;
  state.state = "SUBMITTED";
  state.nodes = stage.spec.nodes;
  state.total = stage.commands;
  if (job != nullptr) add_job(state, job->detail);
  if (job == nullptr && progress) add_unsubmitted(state, *progress);
  if (progress) add_progress(state, *progress);
  const bool ended = job != nullptr && model::has_ended(job->detail.state);
  if (ended) state.running = 0;
  if (!live && !ended) close_abandoned(state, progress);
  state.phase = state.state;
  if (state.state == "RUNNING") state.phase = running_phase(state, progress);
  return state;
}

Result<bool> is_live(const RunFolder& run) {
  MNP_TRY(const auto holder, holder_of(run));
  if (holder) return true;
  const Status foreign = refuse_foreign(run);
  if (!foreign && foreign.error().code != Code::kExists) return fail(foreign.error());
  return !foreign;
}

Result<RunState> read_run_state(const RunFolder& run) {
  MNP_TRY(const bool live, is_live(run));
  return read_run_state(run, live);
}

Result<RunState> read_run_state(const RunFolder& run, bool live) {
  MNP_TRY(const auto plan, run.plan());
  MNP_TRY(const auto submitted, run.submitted());
  RunState state;
  state.run = run.id;
  state.pipeline = plan.name;
  for (const auto& stage : plan.stages)
    state.stages.push_back(stage_state(stage, submitted.find(stage.spec.name),
                                       read_progress(run, stage.spec.name), live));
  const Submission* last = submitted.submissions.empty() ? nullptr : &submitted.submissions.back();
  state.state = run_word(state, last, live);
  if (last != nullptr)
    state.started = submitted.submissions.front().time;
  else if (!state.stages.empty())
    state.started = state.stages.front().started;
  if (!live)
    for (const auto& stage : state.stages) state.ended = std::max(state.ended, stage.ended);
  return state;
}

std::string state_to_json(const RunState& state) {
  Json json;
  json["run"] = state.run;
  json["state"] = state.state;
  json["stages"] = Json::array();
  for (const auto& stage : state.stages) json["stages"].push_back(to_json(stage));
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string state_to_text(const RunState& state) {
  Table table({"STAGE", "STATE", "NODES", "SUCCEEDED", "FAILED", "RUNNING", "ATTEMPT", "TIME"});
  for (const auto& stage : state.stages) {
    const double until = stage.ended > 0 ? stage.ended : wall_seconds();
    const bool timed = stage.started > 0 && (stage.ended > 0 || stage.state != "INTERRUPTED");
    const bool running = stage.state == "RUNNING";
    table.add(
        {stage.name, running ? stage.phase : stage.state,
         running ? fmt::format("{}/{}", stage.joined, stage.nodes) : std::to_string(stage.nodes),
         stage.total > 0 ? fmt::format("{}/{}", succeeded_of(stage), stage.total) : "-",
         std::to_string(stage.failed), std::to_string(stage.running), std::to_string(stage.attempt),
         timed ? format_duration(until - stage.started) : "-"});
  }
  std::string text = fmt::format("{}  {}\n{}", state.run, state.state, table.text());
  for (const auto& stage : state.stages)
    if (stage.state == "FAILED") text += why_it_failed(stage) + "\n";
  return text;
}

}  // namespace mnp::launcher
