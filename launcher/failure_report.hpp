// What to tell the operator of a stage that failed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "launcher/run_state.hpp"

namespace mnp::launcher {

/// What failed and why, the first failed command's last words, and what to type next; no newline
/// at its end.
std::string failure_report(const RunFolder& run, const StageState& stage);

/// The status with which `mnp run` ends for this stage.
int exit_status_of(const StageState& stage);

/// "commands failed after their tries": the README's table of exit statuses.
std::string_view meaning_of(int status);

/// A command whose last record is a failure. A program is command 0 of its stage.
struct FailedCommand {
  CommandIndex index;
  CommandIndex then;  // its number in the list of the attempt that it failed in
  bool is_program = false;
  std::string line;
  std::string what;  // "exit 3", "timed out after 10m", "poisoned: ..."
  uint32_t tries = 0;
  NodeIndex node;
  std::string output;        // prefix of the stream that holds its output
  uint32_t start = 0;        // the last one
  uint32_t segment = 0;      // first with its output; 0: it printed nothing
  std::string name() const;  // "command 17", "the program"
};

/// In list order, from the journals.
Result<std::vector<FailedCommand>> failed_commands(const RunFolder& run, const std::string& stage);

/// What the last start of a command printed; at most the last `limit` bytes.
Result<std::string> last_output(const RunFolder& run, const FailedCommand& command, size_t limit);

}  // namespace mnp::launcher
