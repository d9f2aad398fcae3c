// Where a stage's command list comes from, made concrete on the operator's machine.
#pragma once

#include <string>

#include "mnp/core/files.hpp"
#include "mnp/core/result.hpp"
#include "mnp/model/spec.hpp"

namespace mnp::launcher {

/// A list as a file or as text: one of the two is set.
struct ResolvedList {
  fs::path path;
  std::string text;
  uint64_t commands = 0;
};

/// Runs the program of `from` (working directory `folder`, `bin` first on PATH), reads nothing
/// else of a file than to index it. kConfig says what is wrong with the list: an error in a line of
/// a file starts `path:line:`.
Result<ResolvedList> resolve_commands(const model::StageSpec& stage, const std::string& folder,
                                      const fs::path& bin);

/// As resolve_commands without running any program: what can be known before the run.
Status check_commands(const model::StageSpec& stage);

/// Standard output of `sh -c text`; standard error passes through. kConfig when it fails; kStopped
/// when a signal asks this process to stop: the program is ended.
Result<std::string> output_of(const std::string& text, const std::string& folder,
                              const fs::path& bin, Milliseconds limit);

}  // namespace mnp::launcher
