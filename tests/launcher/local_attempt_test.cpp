#include "launcher/local_attempt.hpp"

#include <signal.h>

#include <algorithm>

#include "mnp/model/environment.hpp"
#include "tests/launcher/batch_fixture.hpp"

namespace mnp::launcher {
namespace {

using model::JobState;

class LocalAttempts : public testing::Test {
 protected:
  LocalAttempt& attempt_of(const model::SubmitJob& job) {
    request = job;
    attempt = std::make_unique<LocalAttempt>(
        loop, box.host, request, "job", 2, lifeline.read.get(),
        LocalAttempt::Events{[this] { ++running; }, [this] { ++ended; }});
    return *attempt;
  }
  bool run_until(const std::function<bool()>& done) {
    const TimePoint deadline = Clock::now() + kHang;
    while (!done() && Clock::now() < deadline) loop.run_once(Clock::now() + Milliseconds(20));
    return done();
  }
  bool run_to_end() {
    return run_until([this] { return ended > 0; });
  }
  size_t count_in(JobState state) const {
    const auto nodes = attempt->nodes();
    return static_cast<size_t>(std::count_if(
        nodes.begin(), nodes.end(), [&](const auto& node) { return node.state == state; }));
  }
  fs::path folder() const {
    return box.host.local / "runs" / box.host.run / "stages/a/attempts/job-2";
  }

  Loop loop;
  Sandbox box{std::make_shared<Errands>()};
  Pipe lifeline = *make_pipe();
  model::SubmitJob request;
  std::unique_ptr<LocalAttempt> attempt;
  int running = 0, ended = 0;
};

TEST_F(LocalAttempts, MainsEndIsTheAttempts) {
  auto job = box.job(
      "a", 3, "until [ $(grep -c start $TEST_OUT/events) = 3 ]; do sleep 0.02; done; exit 7");
  job.main_node = 1;
  ASSERT_TRUE(attempt_of(job).start());
  EXPECT_EQ(attempt->pids().size(), 1u) << "main first";
  EXPECT_EQ(running, 0) << "told before start has returned";
  ASSERT_TRUE(run_to_end());
  EXPECT_EQ(running, 1);
  EXPECT_EQ(attempt->exit_code(), 7);
  EXPECT_TRUE(attempt->pids().empty());
  const auto nodes = attempt->nodes();
  ASSERT_EQ(nodes.size(), 3u);
  EXPECT_EQ(nodes[1].id, "job#1");
  EXPECT_TRUE(nodes[1].is_main);
  EXPECT_FALSE(nodes[0].is_main);
  EXPECT_EQ(nodes[1].exit_code, 7);
  EXPECT_EQ(nodes[2].exit_code, 40) << "children get SIGTERM at main's end";
  EXPECT_EQ(count_in(JobState::kFailed), 3u);
  loop.run_once(Clock::now() + Milliseconds(20));
  EXPECT_EQ(ended, 1);
}

TEST_F(LocalAttempts, NodesFindTheirFoldersAndLocks) {
  ASSERT_TRUE(attempt_of(box.job("a", 1, "touch $MNP_SCRATCH_ROOT/x && exit 0")).start());
  const fs::path scratch = box.folder.path() / "tmp";
  EXPECT_FALSE(fs::is_empty(scratch));
  ASSERT_TRUE(run_to_end());
  EXPECT_EQ(attempt->exit_code(), 0);
  EXPECT_TRUE(fs::is_empty(scratch)) << "scratch outlived the attempt";
  EXPECT_EQ(*read_file(folder() / "log/node-0000.log"), "words of 0\n");
  const auto variables = box.environment_of("a.2.0");
  EXPECT_EQ(variables.at("AWS_BATCH_JOB_ATTEMPT"), "2");
  EXPECT_EQ(variables.at("MNP_SCRATCH_ROOT").find(scratch.string() + "/mnp-k3f9-job-"), 0u);
  EXPECT_EQ(variables.at(model::kRunLock),
            box.host.local / "runs" / box.host.run / ".locks/job-2-0");
}

TEST_F(LocalAttempts, CommandFollowsTheProgram) {
  std::ofstream(box.host.node_program, std::ios::trunc)
      << "#!/bin/sh\nprintf '%s|' \"$@\"\nexit 0\n";
  auto job = box.job("a", 1, "");
  job.command = {"--list", "a b"};
  ASSERT_TRUE(attempt_of(job).start());
  ASSERT_TRUE(run_to_end());
  EXPECT_EQ(*read_file(folder() / "log/node-0000.log"), "--list|a b|");
}

TEST_F(LocalAttempts, StopBeforeTheChildrenStartsNone) {
  ASSERT_TRUE(attempt_of(box.job("a", 4, "rest")).start());
  attempt->stop();
  ASSERT_TRUE(run_to_end());
  EXPECT_EQ(count_in(JobState::kSubmitted), 3u);
  EXPECT_EQ(count_in(JobState::kFailed), 1u);
}

TEST_F(LocalAttempts, KillAsksNobody) {
  box.host.grace = kHang;
  ASSERT_TRUE(attempt_of(box.job("a", 3, "rest")).start());
  ASSERT_TRUE(run_until([&] { return box.count("start") == 3; }));
  attempt->kill();
  ASSERT_TRUE(run_to_end());
  for (const auto& node : attempt->nodes()) EXPECT_EQ(node.exit_code, 137);
  EXPECT_EQ(box.count("term"), 0u);
}

TEST_F(LocalAttempts, GraceOfAStopEndsWithSigkill) {
  const char deaf[] = "trap '' TERM; say deaf; while :; do sleep 0.1; done";
  box.host.grace = Milliseconds(1000);
  ASSERT_TRUE(attempt_of(box.job("a", 2, deaf, deaf)).start());
  ASSERT_TRUE(run_until([&] { return box.count("deaf") == 2; }));
  attempt->stop();
  ASSERT_TRUE(run_to_end());
  EXPECT_EQ(attempt->exit_code(), 137);
  EXPECT_EQ(attempt->nodes()[1].exit_code, 137);
}

TEST_F(LocalAttempts, NothingOutlivesTheObject) {
  ASSERT_TRUE(attempt_of(box.job("a", 2, "rest")).start());
  ASSERT_TRUE(run_until([&] { return box.count("start") == 2; }));
  const auto pids = attempt->pids();
  ASSERT_EQ(pids.size(), 2u);
  attempt.reset();
  for (const pid_t pid : pids) EXPECT_NE(::kill(pid, 0), 0) << "neither ended nor reaped";
  loop.run_once(Clock::now() + Milliseconds(20));
  EXPECT_EQ(ended, 0);
}

TEST_F(LocalAttempts, ErrorOfTheStartLeavesNothing) {
  fs::remove(box.host.node_program);
  const auto started = attempt_of(box.job("a", 2, "")).start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().text.find(box.host.node_program), std::string::npos);
  EXPECT_TRUE(attempt->pids().empty());
  attempt.reset();
  EXPECT_TRUE(fs::is_empty(box.folder.path() / "tmp"));
  loop.run_once(Clock::now() + Milliseconds(20));
  EXPECT_EQ(running + ended, 0);
}

TEST(NodeName, SortsAsItsNumber) {
  EXPECT_EQ(node_name(3), "node-0003");
  EXPECT_EQ(node_name(999), "node-0999");
}

}  // namespace
}  // namespace mnp::launcher
