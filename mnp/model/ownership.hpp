// One owner a stage: immutable claims in the store, the highest wins; earlier journals are sealed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mnp/core/ids.hpp"
#include "mnp/core/result.hpp"
#include "mnp/core/store.hpp"
#include "mnp/model/journal.hpp"

namespace mnp::model {

/// Keys of a run.
struct RunKeys {
  std::string run;  // "runs/<run-id>"
  static RunKeys of(const std::string& run_id) { return {"runs/" + run_id}; }
  std::string plan() const { return run + "/plan.json"; }
  std::string submitted() const { return run + "/submitted.json"; }
  std::string pipeline() const { return run + "/pipeline.yaml"; }
};
struct StageKeys {
  std::string stage;  // "runs/<run-id>/stages/<stage>"
  static StageKeys of(const RunKeys& run, const std::string& name) {
    return {run.run + "/stages/" + name};
  }
  std::string commands() const { return stage + "/commands.txt"; }
  std::string owners() const { return stage + "/owner"; }
  std::string attempts() const { return stage + "/attempts"; }
  std::string progress() const { return stage + "/progress.json"; }
  std::string outcomes() const { return stage + "/results.jsonl"; }
  std::string results() const { return stage + "/results"; }
};
struct AttemptKeys {
  std::string attempt;  // "<stage>/attempts/<job-id>-<n>"
  static AttemptKeys of(const StageKeys& stage, const std::string& job, uint32_t number) {
    return {stage.attempts() + "/" + job + "-" + std::to_string(number)};
  }
  std::string journal() const { return attempt + "/journal"; }
  std::string join_key() const { return attempt + "/join.key"; }
  std::string nodes() const { return attempt + "/nodes.json"; }
  /// "<attempt>/output/node-0003.1"
  std::string output(NodeIndex node, Incarnation incarnation) const;
  std::string partials() const { return attempt + "/partials"; }
};

struct Claim {
  OwnerNumber owner;
  std::string job;
  uint32_t attempt = 1;
};

/// Creates the next claim, then seals every journal of every other attempt. After it returns,
/// no earlier owner can commit any more. Two callers never get the same number. After an error the
/// attempt should end: its claim may be there, and a claim again in the same attempt would find
/// its own journal sealed by whoever came between.
Result<OwnerNumber> claim_stage(Store& store, const StageKeys& stage, const std::string& job,
                                uint32_t attempt);
/// The highest claim; kNotFound when there is none; any other error is not an absence.
Result<Claim> highest_claim(Store& store, const StageKeys& stage);
/// The Begun in the first line of a journal; nullopt where the segment is damaged or not there.
Result<std::optional<Begun>> first_event(Store& store, const std::string& journal);
/// Journals' prefixes of all attempts, those of earlier owners first (each attempt's Begun event
/// holds its owner).
Result<std::vector<std::string>> journals_of(Store& store, const StageKeys& stage);

}  // namespace mnp::model
