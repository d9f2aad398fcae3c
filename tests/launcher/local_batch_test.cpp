#include "launcher/local_batch.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <thread>

#include "tests/launcher/batch_fixture.hpp"

namespace mnp::launcher {
namespace {

using model::JobState;

TEST_F(LocalBatchTest, MainStartsFirstAndChildrenFollow) {
  auto request =
      box.job("a", 8, "until [ $(grep -c start $TEST_OUT/events) = 8 ]; do sleep 0.02; done");
  request.main_node = 2;
  const auto id = batch.submit(request);
  ASSERT_TRUE(id);
  EXPECT_EQ(run_to_end(*id).state, JobState::kSucceeded);
  EXPECT_EQ(box.count("start a"), 8u);
  const auto nodes_folder =
      box.host.local / "runs" / box.host.run / "stages/a/attempts" / (*id + "-1");
  EXPECT_EQ(*read_file(nodes_folder / "log/node-0005.log"), "words of 5\n");
}

TEST_F(LocalBatchTest, ChildrenStartOnlyOnceMainRuns) {
  const auto id = batch.submit(box.job("a", 3, "rest"));
  ASSERT_TRUE(run_until([&] { return detail(*id).state == JobState::kStarting; }));
  size_t started = 0;
  const auto nodes = batch.list_nodes(*id);
  for (const auto& node : *nodes) started += node.state == JobState::kRunning ? 1 : 0;
  EXPECT_EQ(started, 1u);
  ASSERT_TRUE(run_until([&] { return box.count("start") == 3; }));
  EXPECT_EQ(detail(*id).state, JobState::kRunning);
}

TEST_F(LocalBatchTest, MainMayEndBeforeTheFirstChildStarts) {
  std::ofstream(box.host.node_program, std::ios::trunc) << "#!/bin/true\n";
  for (int i = 0; i < 50; ++i) {
    const auto job = run_to_end(*batch.submit(box.job("a", 2, "")));
    EXPECT_EQ(job.state, JobState::kSucceeded);
    EXPECT_GT(job.started, 0);
  }
}

TEST_F(LocalBatchTest, VariablesAreThoseOfBatch) {
  ::setenv("MNP_SCRATCH_ROOT", "/elsewhere", 1);
  ::setenv("MNP_JOIN_SECRET", "1", 1);
  ::setenv("MNP_PORT", "30000", 1);
  ::setenv("MNP_LOG", "debug", 1);
  ::setenv("AWS_BATCH_JOB_ARRAY_INDEX", "7", 1);
  auto request = box.job("a", 3,
                         "until [ -e $TEST_OUT/a.1.2.env ] && [ -e $TEST_OUT/a.1.0.env ]; do sleep "
                         "0.02; done; sleep 0.2");
  request.main_node = 1;
  const auto id = batch.submit(request);
  run_to_end(*id);
  const auto main = box.environment_of("a.1.1");
  const auto child = box.environment_of("a.1.2");
  EXPECT_EQ(main.at("AWS_BATCH_JOB_ID"), *id + "#1");
  EXPECT_EQ(child.at("AWS_BATCH_JOB_ID"), *id + "#2");
  EXPECT_EQ(child.at("AWS_BATCH_JOB_NODE_INDEX"), "2");
  EXPECT_EQ(child.at("AWS_BATCH_JOB_NUM_NODES"), "3");
  EXPECT_EQ(child.at("AWS_BATCH_JOB_MAIN_NODE_INDEX"), "1");
  EXPECT_EQ(child.at("AWS_BATCH_JOB_ATTEMPT"), "1");
  EXPECT_EQ(child.at("AWS_BATCH_JQ_NAME"), "local");
  EXPECT_EQ(main.count("AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"), 0u);
  EXPECT_EQ(child.at("AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"), main.at("MNP_NODE_ADDRESS"));
  EXPECT_NE(child.at("MNP_NODE_ADDRESS"), main.at("MNP_NODE_ADDRESS"));
  EXPECT_TRUE(starts_with(main.at("MNP_NODE_ADDRESS"), "127."));
  EXPECT_EQ(main.count("MNP_JOIN_SECRET"), 0u);
  EXPECT_EQ(main.at("MNP_PORT"), "30000");
  EXPECT_EQ(main.count("AWS_BATCH_JOB_ARRAY_INDEX"), 0u);
  EXPECT_EQ(main.at("MNP_LOG"), "debug");
  EXPECT_FALSE(fs::exists(main.at("MNP_SCRATCH_ROOT"))) << "scratch outlived its job";
  ::unsetenv("MNP_SCRATCH_ROOT");
  ::unsetenv("MNP_JOIN_SECRET");
  ::unsetenv("MNP_PORT");
  ::unsetenv("MNP_LOG");
  ::unsetenv("AWS_BATCH_JOB_ARRAY_INDEX");
}

TEST_F(LocalBatchTest, DependantsWaitAndFailWithWhatTheyDependOn) {
  const auto first = batch.submit(box.job("a", 1, "sleep 0.2; exit 0"));
  auto second = box.job("b", 1, "say ran; exit 10");
  second.depends_on = {*first};
  const auto b = batch.submit(second);
  auto third = box.job("c", 1, "say ran");
  third.depends_on = {*b};
  const auto c = batch.submit(third);
  ASSERT_TRUE(run_until([&] { return detail(*first).state == JobState::kRunning; }));
  EXPECT_EQ(detail(*b).state, JobState::kPending);
  EXPECT_EQ(run_to_end(*c).state, JobState::kFailed);
  EXPECT_EQ(detail(*c).status_reason, "Dependent Job failed");
  EXPECT_EQ(detail(*b).attempts.size(), 1u);
  EXPECT_EQ(detail(*first).state, JobState::kSucceeded);
  EXPECT_EQ(box.count("ran c"), 0u);
}

TEST_F(LocalBatchTest, RetriesByTheRulesWithNewAddresses) {
  auto request = box.job("a", 2, "[ $AWS_BATCH_JOB_ATTEMPT = 3 ] || exit 31");
  request.attempts = 3;
  request.rules = model::standard_retry_rules();
  const auto id = batch.submit(request);
  const auto job = run_to_end(*id);
  EXPECT_EQ(job.state, JobState::kSucceeded);
  ASSERT_EQ(job.attempts.size(), 3u);
  EXPECT_EQ(job.attempts[0].exit_code, 31);
  EXPECT_EQ(job.attempts[2].exit_code, 0);
  EXPECT_NE(box.environment_of("a.1.0").at("MNP_NODE_ADDRESS"),
            box.environment_of("a.2.0").at("MNP_NODE_ADDRESS"));
}

TEST_F(LocalBatchTest, ExitStatusesOfOursAreNotRetried) {
  for (const int status : {10, 11, 12, 20, 40, 70, 143}) {
    auto request = box.job("s" + std::to_string(status), 1, "exit " + std::to_string(status));
    request.attempts = 3;
    request.rules = model::standard_retry_rules();
    const auto job = run_to_end(*batch.submit(request));
    EXPECT_EQ(job.attempts.size(), 1u) << status;
    EXPECT_EQ(job.attempts.front().exit_code, status);
  }
}

TEST_F(LocalBatchTest, KilledMainEndsTheAttemptWith137AndIsRetried) {
  auto request = box.job("a", 2, "kill -9 $$");
  request.attempts = 2;
  request.rules = model::standard_retry_rules();
  const auto job = run_to_end(*batch.submit(request));
  EXPECT_EQ(job.state, JobState::kFailed);
  ASSERT_EQ(job.attempts.size(), 2u);
  EXPECT_EQ(job.attempts[1].exit_code, 137);
}

TEST_F(LocalBatchTest, DeadChildChangesNothing) {
  const auto id = batch.submit(box.job(
      "a", 3,
      "until [ $(grep -c dying $TEST_OUT/events) = 2 ]; do sleep 0.02; done; sleep 0.5; say done",
      "say dying; kill -9 $$"));
  const auto job = run_to_end(*id);
  EXPECT_EQ(job.state, JobState::kSucceeded);
  EXPECT_EQ(box.count("dying"), 2u);
  EXPECT_EQ(box.count("done"), 1u);
}

TEST_F(LocalBatchTest, MainsEndIsTheChildrens) {
  const auto id = batch.submit(box.job(
      "a", 3,
      "until [ $(grep -c start $TEST_OUT/events) = 3 ]; do sleep 0.02; done; sleep 0.1; exit 5"));
  const auto job = run_to_end(*id);
  EXPECT_EQ(job.attempts.front().exit_code, 5);
  EXPECT_EQ(box.count("term"), 2u);
}

/// With a grace that may pass.
class LocalBatchGraceTest : public LocalBatchTest {
 protected:
  LocalBatchGraceTest() : LocalBatchTest(Milliseconds(1000)) {}
};

TEST_F(LocalBatchGraceTest, ChildThatIgnoresSigtermIsKilledAfterIt) {
  const auto begun = Clock::now();
  const auto id =
      batch.submit(box.job("a", 2, "until grep -q deaf $TEST_OUT/events; do sleep 0.02; done",
                           "trap '' TERM; say deaf; sleep 100 & while :; do wait; done"));
  EXPECT_EQ(run_to_end(*id).state, JobState::kSucceeded);
  EXPECT_GE(Clock::now() - begun, box.host.grace);
}

TEST_F(LocalBatchTest, LostNodeIsKilledAtOnce) {
  const auto id = batch.submit(box.job(
      "a", 2,
      "until grep -q deaf $TEST_OUT/events; do sleep 0.02; done; "
      "echo '{\"nodes\": [{\"node\": 1, \"state\": \"lost\"}]}' > $(dirname "
      "$MNP_RUN_LOCK)/../stages/"
      "a/attempts/${AWS_BATCH_JOB_ID%#*}-1/nodes.json; say written",
      "mkdir -p $(dirname $MNP_RUN_LOCK); trap '' TERM; say deaf; sleep 100 & while :; do wait; "
      "done"));
  ASSERT_TRUE(run_until([&] { return box.count("written") == 1; }));
  const auto begun = Clock::now();
  EXPECT_EQ(run_to_end(*id).state, JobState::kSucceeded);
  EXPECT_LT(Clock::now() - begun, box.host.grace);
}

TEST_F(LocalBatchTest, TerminateStopsEveryNodeAndIsNotRetried) {
  auto request = box.job("a", 3, "rest");
  request.attempts = 3;
  const auto id = batch.submit(request);
  ASSERT_TRUE(run_until([&] { return box.count("start") == 3; }));
  ASSERT_TRUE(batch.terminate(*id, "enough"));
  const auto job = run_to_end(*id);
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.status_reason, "enough");
  ASSERT_EQ(job.attempts.size(), 1u);
  EXPECT_EQ(job.attempts.front().exit_code, 40);
  EXPECT_EQ(box.count("term"), 3u);
}

TEST_F(LocalBatchGraceTest, AStopAfterMainHasSucceededTakesNothingBack) {
  const auto id =
      batch.submit(box.job("a", 2, "until [ -e $TEST_OUT/1 ]; do sleep 0.02; done; exit 0",
                           "trap '' TERM; touch $TEST_OUT/1; while :; do sleep 0.1; done"));
  ASSERT_TRUE(id);
  ASSERT_TRUE(run_until([&] { return fs::exists(box.out() / "1"); }));
  ASSERT_TRUE(run_until([&] { return batch.list_nodes(*id)->front().exit_code == 0; }));
  ASSERT_TRUE(batch.terminate(*id, "stopped by SIGINT"));
  EXPECT_EQ(run_to_end(*id).state, JobState::kSucceeded);
}

TEST_F(LocalBatchTest, CancelLeavesARunningJobAlone) {
  const auto first = batch.submit(box.job("a", 1, "sleep 0.5"));
  auto second = box.job("b", 1, "exit 0");
  second.depends_on = {*first};
  const auto waiting = batch.submit(second);
  ASSERT_TRUE(run_until([&] { return detail(*first).state == JobState::kRunning; }));
  ASSERT_TRUE(batch.cancel(*first, "no"));
  ASSERT_TRUE(batch.cancel(*waiting, "no"));
  EXPECT_EQ(detail(*waiting).state, JobState::kFailed);
  EXPECT_EQ(detail(*waiting).status_reason, "no");
  EXPECT_EQ(run_to_end(*first).state, JobState::kSucceeded);
}

TEST_F(LocalBatchTest, WhatAKilledNodeLeavesBehindIsEnded) {
  const auto id = batch.submit(
      box.job("a", 1,
              "(trap '' TERM HUP; setsid sh -c 'echo $$ > $TEST_OUT/left; exec sleep 100' &) ; "
              "until [ -s $TEST_OUT/left ]; do sleep 0.02; done; kill -9 $$"));
  run_to_end(*id);
  const pid_t left = static_cast<pid_t>(*parse_integer(trim(*read_file(box.out() / "left"))));
  EXPECT_TRUE(run_until([&] { return ::kill(left, 0) != 0; }));
}

TEST_F(LocalBatchTest, MissingProgramFailsToStart) {
  fs::remove(box.host.node_program);
  auto request = box.job("a", 1, "");
  request.attempts = 2;
  request.rules = model::standard_retry_rules();
  const auto job = run_to_end(*batch.submit(request));
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.attempts.size(), 2u);
  EXPECT_TRUE(starts_with(job.status_reason, "Task failed to start")) << job.status_reason;
}

TEST_F(LocalBatchTest, RefusesWhatAwsRefuses) {
  auto request = box.job("a", 1, "");
  request.attempts = 11;
  EXPECT_EQ(batch.submit(request).error().code, Code::kConfig);
  request.attempts = 1;
  request.depends_on = {"nobody"};
  EXPECT_EQ(batch.submit(request).error().code, Code::kConfig);
  request.depends_on.clear();
  request.environment["AWS_BATCH_JOB_ID"] = "mine";
  EXPECT_EQ(batch.submit(request).error().code, Code::kConfig);
}

/// A process of its own that runs the job until it is killed.
pid_t start_owner(const Sandbox& box, const model::SubmitJob& request) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  Loop loop;
  LocalBatch batch(loop, box.host);
  (void)batch.submit(request);
  loop.run();
  ::_exit(0);
}

TEST(Lifeline, EndsWhenItsOwnerIsKilled) {
  const Sandbox box;
  const auto request =
      box.job("a", 3, "cat <&$MNP_LIFELINE_FD; say eof", "cat <&$MNP_LIFELINE_FD; say eof");
  const pid_t owner = start_owner(box, request);
  const TimePoint deadline = Clock::now() + kHang;
  while (box.count("start") < 3 && Clock::now() < deadline)
    std::this_thread::sleep_for(Milliseconds(20));
  EXPECT_EQ(box.count("eof"), 0u);
  ::kill(owner, SIGKILL);
  ::waitpid(owner, nullptr, 0);
  while (box.count("eof") < 3 && Clock::now() < deadline)
    std::this_thread::sleep_for(Milliseconds(20));
  EXPECT_EQ(box.count("eof"), 3u);
}

}  // namespace
}  // namespace mnp::launcher
