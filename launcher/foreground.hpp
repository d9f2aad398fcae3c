// `mnp run` and `mnp resume` once everything is written: submit, follow, end.
#pragma once

#include <string>
#include <vector>

#include "launcher/local_attempt.hpp"
#include "launcher/run_folder.hpp"

namespace mnp::launcher {

struct ForegroundOptions {
  std::vector<std::string> stages;  // to submit, of the plan
  bool fresh_failures = false;
  bool quiet = false;
};

/// Runs the stages on a local Batch until all have ended, or until SIGINT, SIGTERM or SIGHUP have
/// ended them (a second signal: at once). The caller holds the run. Returns the exit status of the
/// first stage that failed, 40 when stopped, else 0.
Result<int> run_in_foreground(const RunFolder& run, const model::Plan& plan,
                              const ForegroundOptions& options);

/// The last line of standard output: the run's id, or with `json` its state as `mnp status --json`.
Status print_end(const RunFolder& run, bool json);

}  // namespace mnp::launcher
