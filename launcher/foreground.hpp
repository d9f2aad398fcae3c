// `mnp run` and `mnp resume` once everything is written: submit, follow, end.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "launcher/local_attempt.hpp"
#include "launcher/run_folder.hpp"
#include "mnp/core/fd.hpp"

namespace mnp::launcher {

struct ForegroundOptions {
  std::vector<std::string> stages;  // to submit, of the plan
  Submitted earlier;                // what submitted.json holds
  bool fresh_failures = false;
  bool quiet = false;
};

/// Runs the stages on a local Batch until all have ended, or until SIGINT, SIGTERM or SIGHUP have
/// ended them (a second signal: at once). The caller holds the run. Returns the exit status of the
/// first stage that failed, 40 when stopped, else 0.
Result<int> run_in_foreground(const RunFolder& run, const model::Plan& plan,
                              const ForegroundOptions& options);

/// `work` in a thread of its own. A signal that asks to stop is left to who reads `signals` next;
/// but a store in S3 that does not answer is not asked any more, soon after.
void until_stopped(const Fd& signals, const std::function<void()>& work);

/// The last line of standard output: the run's id, or with `json` its state as `mnp status --json`.
Status print_end(const RunFolder& run, bool json);

}  // namespace mnp::launcher
