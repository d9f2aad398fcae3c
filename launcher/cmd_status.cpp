// `mnp status [RUN]`: how far a run is, from its folder alone.
#include <unistd.h>

#include <cstdio>
#include <thread>

#include <fmt/format.h>

#include "launcher/commands.hpp"
#include "launcher/failure_report.hpp"
#include "launcher/last_words.hpp"
#include "launcher/local_batch.hpp"
#include "launcher/run_state.hpp"

namespace mnp::launcher {
namespace {

constexpr Milliseconds kWatchPeriod{1000};

/// The status with which `mnp run` has ended, or would have.
int status_of(const RunState& state) {
  if (state.state == "SUCCEEDED") return 0;
  if (state.state == "FAILED")
    for (const StageState& stage : state.stages)
      if (stage.state == "FAILED" && stage.reason != kDependencyFailed)
        return exit_status_of(stage);
  return code_info(Code::kStopped).exit_status;
}

/// A main that could not write its reason down has said it in its log.
std::string text_of(const RunFolder& run, const RunState& state) {
  std::string text = state_to_text(state);
  for (const StageState& stage : state.stages) {
    if (stage.state != "FAILED" || !stage.reason.empty()) continue;
    for (const std::string& line : last_words(run, stage.name))
      text += fmt::format("  {}: {}\n", stage.name, line);
  }
  return text;
}

/// Shows again what has changed, until nobody runs it any more.
Result<int> watch(const RunFolder& run, const StatusOptions& options) {
  const bool redraw = !options.json && ::isatty(STDOUT_FILENO) != 0;
  std::string shown;
  for (;;) {
    MNP_TRY(const auto state, read_run_state(run));
    const std::string text = options.json ? state_to_json(state) + "\n" : text_of(run, state);
    if (text != shown) fmt::print("{}{}", redraw ? "\x1b[H\x1b[J" : "", text);
    std::fflush(stdout);
    shown = text;
    if (state.state != "RUNNING" || std::ferror(stdout) != 0) return status_of(state);
    std::this_thread::sleep_for(kWatchPeriod);
  }
}

}  // namespace

Result<int> run(const StatusOptions& options) {
  MNP_TRY(const auto store, open_store(options.store));
  MNP_TRY(const auto found, find_run(store, options.run));
  if (options.watch) return watch(found, options);
  MNP_TRY(const auto state, read_run_state(found));
  fmt::print("{}", options.json ? state_to_json(state) + "\n" : text_of(found, state));
  return 0;
}

}  // namespace mnp::launcher
