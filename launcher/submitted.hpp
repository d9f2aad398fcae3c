// submitted.json of a run: every submission, its jobs, and what Batch said of them last.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mnp/core/result.hpp"
#include "mnp/model/batch.hpp"

namespace mnp::launcher {

struct SubmittedJob {
  std::string stage;
  model::JobDetail detail;
};

struct Submission {
  double time = 0;  // seconds since 1970
  int64_t pid = 0;  // of `mnp run` or `mnp resume`
  std::string host;
  bool fresh_failures = false;  // `resume`: failed commands run again
  bool stopped = false;         // by SIGINT, SIGTERM or `mnp stop`
  std::vector<SubmittedJob> jobs;
};

/// {"run", "submissions": [{"time", "pid", "host", "fresh_failures", "stopped", "jobs": [{"stage",
/// "job", "state", "status_reason", "nodes", "created", "started", "stopped", "attempts":
/// [{"exit_code", "status_reason", "started", "stopped"}]}]}]}, rewritten when a job changes.
struct Submitted {
  std::string run;
  std::vector<Submission> submissions;

  /// The stage's latest job; nullptr where there is none.
  const SubmittedJob* find(const std::string& stage) const;
};

std::string submitted_to_json(const Submitted& submitted);
Result<Submitted> submitted_from_json(std::string_view text);

/// Exit status of the main node of a job's last attempt.
std::optional<int> exit_status(const model::JobDetail& job);

}  // namespace mnp::launcher
