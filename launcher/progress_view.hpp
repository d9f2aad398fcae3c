// How a run in the foreground shows how far it is: bars on a terminal, plain lines elsewhere.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "launcher/run_state.hpp"

namespace mnp::launcher {

class ProgressView {
 public:
  virtual ~ProgressView() = default;
  /// Called a few times a second, and once more at the end.
  virtual void show(const RunState& state) = 0;
  /// A line that stays.
  virtual void say(const std::string& line) = 0;
  /// What is shown stays, too: the run has ended.
  virtual void keep() {}
};

/// For standard error: bars when it is a terminal (colours unless NO_COLOR is set), else lines;
/// nothing but `say` when `quiet`.
std::unique_ptr<ProgressView> make_progress_view(bool quiet);

/// "process     RUNNING  [#####-----]  512/1000  509 succeeded  3 failed  8 running  1m 02s  ETA 55
/// s"
std::string progress_line(const StageState& stage, double now, size_t name_width);

/// What fits into so many lines, in the run's order: stages that run or have failed before others.
std::vector<const StageState*> stages_that_fit(const RunState& state, size_t lines);

/// Seconds until the stage is done at its rate so far; 0 when nobody can say.
double seconds_left(const StageState& stage, double now);

}  // namespace mnp::launcher
