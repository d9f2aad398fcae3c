// What a run has come to, from its folder alone: for `status`, `list` and `resume`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "launcher/run_folder.hpp"
#include "mnp/model/report.hpp"

namespace mnp::launcher {

struct StageState {
  std::string name;
  std::string state;   // Batch's words; INTERRUPTED: was under way when `mnp run` went
  std::string phase;   // of a running stage: main's word (model::Progress::state); else as `state`
  std::string reason;  // why it ended so; for people
  uint32_t attempt = 0, nodes = 0, joined = 0;
  uint64_t total = 0, done = 0, failed = 0, running = 0;  // `failed` are among `done`
  double started = 0, ended = 0;                          // seconds since 1970; 0: not yet
  std::optional<int> status;  // exit status of the main node, once ended
  std::string job;            // latest; "" when it was never submitted
  bool succeeded() const { return state == "SUCCEEDED"; }
};

struct RunState {
  std::string run, pipeline;
  std::string state;  // RUNNING SUCCEEDED FAILED STOPPED INTERRUPTED
  double started = 0, ended = 0;
  std::vector<StageState> stages;
};

/// Whether anybody runs it, here or, in S3, elsewhere.
Result<bool> is_live(const RunFolder& run);
/// From plan.json, submitted.json, every progress.json and the run's lock.
Result<RunState> read_run_state(const RunFolder& run);
/// The same by one who knows whether anybody runs it.
Result<RunState> read_run_state(const RunFolder& run, bool live);

/// One stage from its job and its progress.json. `live`: `mnp run` is there.
StageState stage_state(const model::StagePlan& stage, const SubmittedJob* job,
                       const std::optional<model::Progress>& progress, bool live);
/// Commands that are done and have not failed.
uint64_t succeeded_of(const StageState& stage);

/// {run, state, stages: [{name, state, attempt, nodes, joined, total, done, failed, running,
/// started, ended}]}; times are seconds since 1970 or null. One line.
std::string state_to_json(const RunState& state);
/// A table for people.
std::string state_to_text(const RunState& state);

}  // namespace mnp::launcher
