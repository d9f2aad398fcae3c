// What people and programs read of a stage: results.jsonl, progress.json, nodes.json.
#pragma once

#include <string>
#include <vector>

#include "mnp/core/result.hpp"
#include "mnp/core/store.hpp"
#include "mnp/model/command_list.hpp"
#include "mnp/model/ownership.hpp"
#include "mnp/model/scheduler.hpp"

namespace mnp::model {

/// Small, rewritten every few seconds while a stage runs, for `status`.
struct Progress {
  std::string state;  // JOINING RUNNING REDUCING DRAINING SUCCEEDED FAILED
  uint32_t attempt = 1, nodes = 1, joined = 0;
  uint64_t total = 0, done = 0, failed = 0, running = 0;
  double started = 0, ended = 0, updated = 0;  // seconds since 1970; 0: not yet
  int status = -1;        // exit status once ended
  std::string text;       // why it ended so
};
std::string progress_to_json(const Progress& progress);
Result<Progress> progress_from_json(std::string_view text);

/// The last record of every command over all journals of a stage, by today's list (translated by
/// identity); node-bad rules applied. Index = command. `start` 0: never recorded.
struct Outcome {
  CommandState state = CommandState::kWaiting;
  uint32_t tries = 0;  // starts in the run
  std::string journal; // prefix of the journal that holds the record
  Record record;
};
Result<std::vector<Outcome>> read_outcomes(Store& store, const StageKeys& stage,
                                           const CommandList& list);
/// One line a command, in list order (DESIGN section 6).
std::string outcomes_to_jsonl(const std::vector<Outcome>& outcomes);

}  // namespace mnp::model
