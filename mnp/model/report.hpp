// What people and programs read of a stage: results.jsonl, progress.json.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "mnp/core/result.hpp"
#include "mnp/core/store.hpp"
#include "mnp/model/command_list.hpp"
#include "mnp/model/journal.hpp"
#include "mnp/model/ownership.hpp"
#include "mnp/model/scheduler.hpp"

namespace mnp::model {

/// Small, rewritten every few seconds while a stage runs, for `status`.
struct Progress {
  /// JOINING WAITING (until nothing of a lost main can run) RUNNING REDUCING DRAINING SUCCEEDED
  /// FAILED
  std::string state;
  uint32_t attempt = 1, nodes = 1, joined = 0;
  uint64_t total = 0, done = 0, failed = 0, running = 0;
  double started = 0, ended = 0, updated = 0;  // seconds since 1970; 0: not yet
  int status = -1;                             // exit status once ended
  std::string text;                            // why it ended so
};
std::string progress_to_json(const Progress& progress);
Result<Progress> progress_from_json(std::string_view text);

/// What is left of a command's last record: 72 bytes, so that ten million commands fit.
struct Outcome {
  CommandState state = CommandState::kWaiting;  // or how it ended
  uint32_t tries = 0;                           // starts in the run
  uint32_t journal = 0;  // index in Outcomes::journals; the last record's, as all below
  uint32_t start = 0;    // 0: no record that counts
  NodeIndex node;
  Incarnation incarnation;
  SlotIndex slot;
  Ending ending;
  uint32_t output_segment = 0;  // 0: there was no output
  float cpu_seconds = 0;
  double started = 0, ended = 0;
  uint64_t max_rss_kib = 0;
};

/// The outcome of every command over all journals of a stage, by today's list.
struct Outcomes {
  std::vector<Outcome> commands;               // index = command
  std::vector<std::string> journals;           // prefixes
  std::map<CommandIndex, std::string> errors;  // Record::error where there is one
  std::vector<Damage> damages;
  uint64_t done() const;  // commands that have come to their end
};

/// The last record of a command is its outcome, but: a success is final; failures on a node that
/// its journal calls bad afterwards count for nothing unless the command failed elsewhere too;
/// `resume` and damage after them open failed and poisoned commands again (docs/journal.md).
Result<Outcomes> read_outcomes(Store& store, const StageKeys& stage, const CommandList& list);
/// One line a command, in list order; some at once, so that ten million never are one text.
Status outcomes_to_jsonl(const Outcomes& outcomes,
                         const std::function<Status(std::string_view)>& write);

}  // namespace mnp::model
