#include "launcher/run_state.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace mnp::launcher {
namespace {

model::StagePlan stage_plan() {
  model::StagePlan stage;
  stage.spec.name = "a";
  stage.spec.nodes = 4;
  stage.commands = 100;
  return stage;
}

SubmittedJob job_in(model::JobState state) {
  SubmittedJob job{"a", {}};
  job.detail.id = "id";
  job.detail.state = state;
  job.detail.num_nodes = 4;
  job.detail.started = state >= model::JobState::kStarting ? 1000 : 0;
  return job;
}

model::Progress progress_in(const std::string& state) {
  model::Progress progress;
  progress.state = state;
  progress.joined = 3;
  progress.total = 100;
  progress.done = 40;
  progress.failed = 2;
  progress.running = 8;
  progress.started = 1001;
  progress.updated = 1005;
  return progress;
}

TEST(StageState, JoinsJobAndProgress) {
  const auto job = job_in(model::JobState::kRunning);
  const auto state = stage_state(stage_plan(), &job, progress_in("REDUCING"), true);
  EXPECT_EQ(state.state, "RUNNING");
  EXPECT_EQ(state.phase, "REDUCING");
  EXPECT_EQ(state.attempt, 1u);
  EXPECT_EQ(state.joined, 3u);
  EXPECT_EQ(state.done, 40u);
  EXPECT_EQ(state.running, 8u);
}

TEST(StageState, OfAnEarlierAttemptOnlyWhatIsDoneCounts) {
  auto job = job_in(model::JobState::kRunning);
  auto progress = progress_in("RUNNING");
  progress.updated = 990;
  for (int attempts = 0; attempts < 2; ++attempts) {
    const auto state = stage_state(stage_plan(), &job, progress, true);
    EXPECT_EQ(state.done, 40u);
    EXPECT_EQ(state.running, 0u);
    EXPECT_EQ(state.joined, 0u);
    job.detail.attempts.resize(1);
    progress.updated = 1005;  // of the first of its attempts
  }
}

TEST(StageState, OfARunThatNobodySubmittedMainsWordsAreAll) {
  auto progress = progress_in("RUNNING");
  progress.nodes = 3;
  auto state = stage_state(stage_plan(), nullptr, progress, true);
  EXPECT_EQ(state.state, "RUNNING");
  EXPECT_EQ(state.phase, "RUNNING");
  EXPECT_EQ(state.running, 8u);
  EXPECT_EQ(state.nodes, 3u);
  EXPECT_EQ(state.started, 1001);
  EXPECT_EQ(stage_state(stage_plan(), nullptr, progress, false).state, "INTERRUPTED");
  progress.state = "FAILED";
  progress.ended = 1010;
  progress.status = 10;
  for (const bool live : {true, false}) {
    state = stage_state(stage_plan(), nullptr, progress, live);
    EXPECT_EQ(state.state, "FAILED");
    EXPECT_EQ(state.status, 10);
    EXPECT_EQ(state.ended, 1010);
  }
}

TEST(StageState, DrainsWhileAMainThatHasSaidItsEndStillRuns) {
  const auto job = job_in(model::JobState::kRunning);
  auto progress = progress_in("SUCCEEDED");
  progress.ended = 1010;
  EXPECT_EQ(stage_state(stage_plan(), &job, progress, true).phase, "DRAINING");
  progress.ended = 990;  // of an earlier job
  EXPECT_EQ(stage_state(stage_plan(), &job, progress, true).phase, "RUNNING");
}

TEST(StageState, WithoutJobIsSubmitted) {
  const auto state = stage_state(stage_plan(), nullptr, std::nullopt, true);
  EXPECT_EQ(state.state, "SUBMITTED");
  EXPECT_EQ(state.total, 100u);
}

TEST(StageState, IsInterruptedWhenNobodyRunsItAnyMore) {
  const auto job = job_in(model::JobState::kRunning);
  const auto state = stage_state(stage_plan(), &job, progress_in("RUNNING"), false);
  EXPECT_EQ(state.state, "INTERRUPTED");
  EXPECT_EQ(state.running, 0u);
}

TEST(StageState, AnInterruptedOneLastedUntilItWasHeardOfLast) {
  const auto job = job_in(model::JobState::kRunning);
  auto progress = progress_in("RUNNING");
  EXPECT_EQ(stage_state(stage_plan(), &job, progress, false).ended, 1005);
  progress.state = "FAILED";
  progress.ended = progress.updated = 900;  // an earlier job's
  RunState run;
  for (const auto& said : {std::optional(progress), std::optional<model::Progress>()}) {
    run.stages.push_back(stage_state(stage_plan(), &job, said, false));
    EXPECT_EQ(run.stages.back().state, "INTERRUPTED");
    EXPECT_EQ(run.stages.back().ended, 0) << "nobody knows";
  }
  const std::string text = state_to_text(run);
  EXPECT_EQ(text.find(" s\n"), std::string::npos) << text;
}

TEST(StageState, MainsGoodbyeCountsWhenNobodyWroteDownTheJobsEnd) {
  const auto job = job_in(model::JobState::kRunning);
  auto progress = progress_in("SUCCEEDED");
  progress.ended = 1010;
  progress.status = 0;
  EXPECT_TRUE(stage_state(stage_plan(), &job, progress, false).succeeded());
  progress.ended = 900;  // an earlier job's
  EXPECT_EQ(stage_state(stage_plan(), &job, progress, false).state, "INTERRUPTED");
}

TEST(StageState, CountsAttempts) {
  auto job = job_in(model::JobState::kRunning);
  job.detail.attempts.resize(2);
  EXPECT_EQ(stage_state(stage_plan(), &job, std::nullopt, true).attempt, 3u);
  job.detail.state = model::JobState::kFailed;
  job.detail.attempts.back().exit_code = 31;
  const auto state = stage_state(stage_plan(), &job, std::nullopt, true);
  EXPECT_EQ(state.attempt, 2u);
  EXPECT_EQ(state.status, 31);
}

TEST(StateJson, HasExactlyTheDocumentedFields) {
  RunState run;
  run.run = "r";
  run.state = "RUNNING";
  const auto job = job_in(model::JobState::kRunning);
  run.stages.push_back(stage_state(stage_plan(), &job, progress_in("RUNNING"), true));
  const auto json = nlohmann::json::parse(state_to_json(run));
  EXPECT_EQ(json, nlohmann::json::parse(R"({"run": "r", "state": "RUNNING", "stages": [
    {"name": "a", "state": "RUNNING", "attempt": 1, "nodes": 4, "joined": 3, "total": 100,
     "done": 40, "failed": 2, "running": 8, "started": 1000.0, "ended": null}]})"));
}

}  // namespace
}  // namespace mnp::launcher
