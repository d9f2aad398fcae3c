#include "launcher/progress_view.hpp"

#include <gtest/gtest.h>

namespace mnp::launcher {
namespace {

StageState running() {
  StageState stage;
  stage.name = "process";
  stage.state = stage.phase = "RUNNING";
  stage.job = "id";
  stage.nodes = 4;
  stage.total = 1000;
  stage.done = 250;
  stage.failed = 3;
  stage.running = 8;
  stage.started = 100;
  return stage;
}

TEST(ProgressLine, SaysHowFarAndHowLong) {
  const std::string line = progress_line(running(), 200, 10);
  EXPECT_EQ(line,
            "process     RUNNING    [#####---------------]  250/1000  247 succeeded  3 failed  8 "
            "running  1m 40s  ETA 5m 00s");
}

TEST(StagesThatFit, AreThoseThatRunOrFailedInTheirOrder) {
  RunState run;
  for (const char* state : {"SUCCEEDED", "FAILED", "SUCCEEDED", "RUNNING", "PENDING"}) {
    run.stages.push_back(running());
    run.stages.back().state = state;
    run.stages.back().name = std::to_string(run.stages.size());
  }
  const auto names = [&](size_t lines) {
    std::string found;
    for (const StageState* stage : stages_that_fit(run, lines)) found += stage->name;
    return found;
  };
  EXPECT_EQ(names(9), "12345");
  EXPECT_EQ(names(3), "124");
  EXPECT_EQ(names(2), "24");
  EXPECT_EQ(names(1), "2");
}

TEST(ProgressLine, WaitingStageHasNoNumbers) {
  StageState stage = running();
  stage.phase = stage.state = "PENDING";
  stage.started = 0;
  EXPECT_EQ(progress_line(stage, 200, 0), "process  PENDING");
}

TEST(ProgressLine, FullBarDoesNotOverflow) {
  StageState stage = running();
  stage.done = stage.total + 5;
  EXPECT_NE(progress_line(stage, 200, 0).find("[####################]"), std::string::npos);
}

TEST(SecondsLeft, IsUnknownAtTheBeginningAndAtTheEnd) {
  StageState stage = running();
  EXPECT_DOUBLE_EQ(seconds_left(stage, 200), 300);
  stage.done = 0;
  EXPECT_EQ(seconds_left(stage, 200), 0);
  stage.done = stage.total;
  EXPECT_EQ(seconds_left(stage, 200), 0);
}

}  // namespace
}  // namespace mnp::launcher
