// What the tests of cpu/ share: running one line and keeping what it printed.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "cpu/command_runner.hpp"

namespace mnp::cpu {

class TextSink : public OutputSink {
 public:
  bool write(std::string_view bytes) override {
    text += bytes;
    return true;
  }
  std::string text;
};

inline std::shared_ptr<Orphans> shared_orphans() {
  static const std::shared_ptr<Orphans> orphans = Orphans::create().value();
  return orphans;
}

inline std::unique_ptr<CommandRunner> make_runner(RunnerOptions options = {}) {
  return CommandRunner::create(shared_orphans(), options).value();
}

inline Start start_of(std::string line) {
  static const auto base = std::make_shared<const std::vector<std::string>>(
      std::vector<std::string>{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C"});
  static std::atomic<int> count{0};
  Start start;
  start.line = std::move(line);
  start.base = base;
  start.marks = {"MARK=" + std::to_string(++count)};
  start.extra = start.marks;
  start.cwd = "/tmp";
  return start;
}

struct Ran {
  Finished finished;
  std::string text;
};

inline Ran run_start(const Start& start, RunnerOptions options = {}) {
  TextSink sink;
  const Finished finished = make_runner(options)->run(start, sink);
  return {finished, sink.text};
}
inline Ran run_line(std::string line) {
  return run_start(start_of(std::move(line)));
}

/// Waits until `condition`; only a hang takes so long that it says false.
inline bool eventually(const std::function<bool()>& condition) {
  const TimePoint deadline = Clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

inline model::Ending exited(int code) {
  return {model::Ending::Kind::kExited, code};
}
inline model::Ending signalled(int number) {
  return {model::Ending::Kind::kSignalled, number};
}
inline model::Ending timed_out() {
  return {model::Ending::Kind::kTimedOut, 0};
}

}  // namespace mnp::cpu
