#include "launcher/progress_view.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

constexpr size_t kBarWidth = 20;
constexpr double kLinePeriod = 10;  // seconds between plain lines of one stage

void print(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

std::string_view colour_of(const StageState& stage) {
  if (stage.state == "SUCCEEDED") return "\x1b[32m";
  if (stage.state == "FAILED") return "\x1b[31m";
  if (stage.state == "RUNNING") return "\x1b[36m";
  return "\x1b[2m";
}

/// A line that wrapped, or that has scrolled away, would be drawn over wrongly.
winsize terminal() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0) size = {};
  if (size.ws_col == 0) size.ws_col = 120;
  if (size.ws_row == 0) size.ws_row = 24;
  return size;
}

class QuietView : public ProgressView {
 public:
  void show(const RunState&) override {}
  void say(const std::string& line) override { print(line + "\n"); }
};

/// A line when a stage's state changes, and every kLinePeriod while it moves.
class LineView : public ProgressView {
 public:
  void show(const RunState& state) override {
    const double now = wall_seconds();
    for (const StageState& stage : state.stages) {
      Shown& shown = shown_[stage.name];
      const bool moved = stage.done != shown.done && now - shown.time >= kLinePeriod;
      if (stage.phase == shown.phase && !moved) continue;
      const bool waits = stage.job.empty() || stage.started == 0;
      if (!waits || stage.state == "FAILED") print(progress_line(stage, now, 0) + "\n");
      shown = {stage.phase, stage.done, now};
    }
  }
  void say(const std::string& line) override { print(line + "\n"); }

 private:
  struct Shown {
    std::string phase;
    uint64_t done = 0;
    double time = 0;
  };
  std::map<std::string, Shown> shown_;
};

/// One line a stage, drawn over itself.
class BarView : public ProgressView {
 public:
  void show(const RunState& state) override {
    const bool colours = std::getenv("NO_COLOR") == nullptr;
    size_t width = 0;
    for (const StageState& stage : state.stages) width = std::max(width, stage.name.size());
    const double now = wall_seconds();
    std::string text = to_top();
    const winsize size = terminal();
    const size_t all = state.stages.size(), fit = std::max<size_t>(size.ws_row, 3) - 1;
    const auto chosen = stages_that_fit(state, all <= fit ? all : fit - 1);
    for (const StageState* stage : chosen) {
      const std::string line = progress_line(*stage, now, width).substr(0, size.ws_col - 1u);
      text += fmt::format("\x1b[2K{}{}{}\n", colours ? colour_of(*stage) : "", line,
                          colours ? "\x1b[0m" : "");
    }
    if (chosen.size() < all)
      text += fmt::format("\x1b[2Kand {} more stages\n", all - chosen.size());
    lines_ = std::min(all, fit);
    print(text + "\x1b[J");  // the terminal may have become smaller
  }
  void say(const std::string& line) override {
    print(to_top() + "\x1b[J" + line + "\n");
    lines_ = 0;
  }
  void keep() override { lines_ = 0; }

 private:
  std::string to_top() const { return lines_ == 0 ? "" : fmt::format("\x1b[{}F", lines_); }
  size_t lines_ = 0;
};

std::string bar(const StageState& stage) {
  const auto share = [&](uint64_t count) {
    return static_cast<size_t>(count * kBarWidth / std::max<uint64_t>(stage.total, 1));
  };
  const size_t done = std::min(share(stage.done), kBarWidth);
  return "[" + std::string(done, '#') + std::string(kBarWidth - done, '-') + "]";
}

}  // namespace

std::vector<const StageState*> stages_that_fit(const RunState& state, size_t lines) {
  std::vector<const StageState*> chosen;
  for (const bool wanted : {true, false})
    for (const StageState& stage : state.stages) {
      const bool first = stage.state == "RUNNING" || stage.state == "FAILED";
      if (first == wanted && chosen.size() < lines) chosen.push_back(&stage);
    }
  std::sort(chosen.begin(), chosen.end());  // they lie in one vector
  return chosen;
}

double seconds_left(const StageState& stage, double now) {
  if (stage.done == 0 || stage.done >= stage.total || stage.started == 0 || now <= stage.started)
    return 0;
  return (now - stage.started) / static_cast<double>(stage.done) *
         static_cast<double>(stage.total - stage.done);
}

std::string progress_line(const StageState& stage, double now, size_t name_width) {
  std::string line = fmt::format("{:<{}}  {:<9}", stage.name, name_width, stage.phase);
  if (stage.job.empty() || stage.started == 0) {
    if (stage.state == "FAILED") line += "  " + stage.reason;
    return line.substr(0, line.find_last_not_of(' ') + 1);
  }
  if (stage.phase == "JOINING") line += fmt::format("  {}/{} nodes", stage.joined, stage.nodes);
  if (stage.total > 0) line += fmt::format("  {}  {}/{}", bar(stage), stage.done, stage.total);
  if (stage.failed > 0)
    line += fmt::format("  {} succeeded  {} failed", succeeded_of(stage), stage.failed);
  if (stage.running > 0) line += fmt::format("  {} running", stage.running);
  line += "  " + format_duration((stage.ended > 0 ? stage.ended : now) - stage.started);
  const double left = stage.ended > 0 ? 0 : seconds_left(stage, now);
  if (left > 0) line += "  ETA " + format_duration(left);
  return line;
}

std::unique_ptr<ProgressView> make_progress_view(bool quiet) {
  if (quiet) return std::make_unique<QuietView>();
  if (::isatty(STDERR_FILENO) != 0) return std::make_unique<BarView>();
  return std::make_unique<LineView>();
}

}  // namespace mnp::launcher
