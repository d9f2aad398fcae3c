#include "launcher/foreground.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include <nlohmann/json.hpp>

#include "launcher/run_state.hpp"
#include "tests/launcher/batch_fixture.hpp"

namespace mnp::launcher {
namespace {

/// A run in a process of its own, because it takes the process's signals and children.
class InForeground : public testing::Test {
 protected:
  InForeground() {
    plan.run = run.id;
    plan.name = "demo";
  }
  void stage(const std::string& name, std::vector<std::string> after = {}, uint32_t nodes = 1) {
    model::StagePlan stage;
    stage.spec.name = name;
    stage.spec.nodes = nodes;
    stage.spec.retry_attempts = 2;
    stage.after = std::move(after);
    plan.stages.push_back(std::move(stage));
    options.stages.push_back(name);
    ASSERT_TRUE(run.store->put(run.keys().plan(), model::plan_to_json(plan)));
  }
  /// Every main node runs `main`; SIGINT is ignored, as a shell leaves it for `mnp run &`.
  void start(const std::string& main) {
    pid = ::fork();
    if (pid != 0) return;
    const int words = ::open(error_file().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    ::dup2(words, STDERR_FILENO);
    ::signal(SIGINT, SIG_IGN);
    ::setenv("PATH", (box.folder.path().string() + ":/usr/bin:/bin").c_str(), 1);
    ::setenv("TMPDIR", (box.folder.path() / "tmp").c_str(), 1);
    ::setenv("TEST_OUT", box.out().c_str(), 1);
    ::setenv("TEST_MAIN", main.c_str(), 1);
    ::setenv("TEST_CHILD", "rest", 1);
    const auto status = run_in_foreground(run, plan, options);
    if (!status) (void)write_all(STDERR_FILENO, status.error().text, Clock::now() + kHang);
    ::_exit(status ? *status : 99);
  }
  /// Its exit status; 128 + n for a signal.
  int finish() {
    int status = 0;
    const bool ended = eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; });
    EXPECT_TRUE(ended) << words();
    if (!ended) ::kill(pid, SIGKILL), ::waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  static bool eventually(const std::function<bool()>& done) {
    const TimePoint deadline = Clock::now() + kHang;
    while (Clock::now() < deadline) {
      if (done()) return true;
      std::this_thread::sleep_for(Milliseconds(10));
    }
    return false;
  }
  fs::path error_file() const { return box.folder.path() / "words"; }
  std::string words() const {
    const auto text = read_file(error_file());
    return text ? *text : "";
  }
  bool says(const std::string& part) const { return words().find(part) != std::string::npos; }
  const model::JobDetail& job(const std::string& name) {
    submitted = *run.submitted();
    const SubmittedJob* found = submitted.find(name);
    EXPECT_NE(found, nullptr) << name;
    return found->detail;
  }

  Sandbox box;
  RunFolder run = run_folder(box.host.local, box.host.run);
  model::Plan plan;
  ForegroundOptions options;
  Submitted submitted;
  pid_t pid = -1;
};

TEST_F(InForeground, RunsStagesInTheirOrder) {
  stage("a");
  stage("b", {"a"}, 2);
  start("say done; exit 0");
  EXPECT_EQ(finish(), 0) << words();
  EXPECT_EQ(job("a").state, model::JobState::kSucceeded);
  EXPECT_EQ(job("b").state, model::JobState::kSucceeded);
  EXPECT_EQ(box.events()[0], "start a 0");
  EXPECT_EQ(box.events()[1], "done a 0");
  EXPECT_EQ(submitted.submissions.size(), 1u);
}

TEST_F(InForeground, FirstStageThatFailedGivesTheStatus) {
  stage("a");
  stage("b", {"a"});
  stage("c");
  start("[ $MNP_STAGE = a ] && { sleep 0.3; exit 10; }; exit 11");
  EXPECT_EQ(finish(), 10) << "of the plan's order, not of time";
  EXPECT_EQ(job("b").status_reason, "Dependent Job failed");
  EXPECT_EQ(box.count("start b"), 0u);
  EXPECT_TRUE(says("stage a failed with status 10")) << words();
  EXPECT_TRUE(says("stage c failed with status 11")) << words();
  EXPECT_FALSE(says("stage b failed")) << words();
}

TEST_F(InForeground, TellsOfAnotherAttempt) {
  stage("a");
  start("[ $AWS_BATCH_JOB_ATTEMPT = 2 ] || exit 31");
  EXPECT_EQ(finish(), 0);
  EXPECT_TRUE(says("stage a: attempt 1 ended with status 31: too many nodes lost; trying again"))
      << words();
}

TEST_F(InForeground, RunsChosenStagesAlone) {
  stage("a");
  stage("b", {"a"});
  options.stages = {"b"};
  start("exit 0");
  EXPECT_EQ(finish(), 0) << words();
  EXPECT_EQ(box.count("start b"), 1u);
  EXPECT_EQ(box.count("start a"), 0u);
}

TEST_F(InForeground, SigintEndsNodesInOrderAlsoWhereItWasIgnored) {
  stage("a", {}, 2);
  start("rest");
  ASSERT_TRUE(eventually([&] { return box.count("start") == 2; }));
  ::kill(pid, SIGINT);
  EXPECT_EQ(finish(), 40) << words();
  EXPECT_EQ(box.count("term"), 2u);
  EXPECT_EQ(job("a").status_reason, "stopped by SIGINT");
  EXPECT_TRUE(submitted.submissions.back().stopped);
  EXPECT_TRUE(says("mnp resume " + run.id)) << words();
  EXPECT_FALSE(says("failed with status")) << words();
}

TEST_F(InForeground, SecondSignalKillsAtOnce) {
  stage("a");
  start("trap '' TERM; say deaf; while :; do sleep 0.1; done");
  ASSERT_TRUE(eventually([&] { return box.count("deaf") == 1; }));
  const TimePoint begun = Clock::now();
  ::kill(pid, SIGTERM);
  ASSERT_TRUE(eventually([&] { return says("once more kills at once"); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  ::kill(pid, SIGTERM);
  EXPECT_EQ(finish(), 40) << words();
  EXPECT_LT(Clock::now() - begun, LocalHost().grace);
  EXPECT_EQ(job("a").attempts.back().exit_code, 137);
}

TEST_F(InForeground, StateThatCannotBeWrittenEndsTheRun) {
  stage("a");
  ASSERT_TRUE(make_folders(run.in.local / run.keys().submitted()));
  start("rest");
  EXPECT_EQ(finish(), 99);
  EXPECT_TRUE(says("submitted.json")) << words();
}

TEST_F(InForeground, LastLineIsTheRunOrItsState) {
  stage("a");
  testing::internal::CaptureStdout();
  const auto plain = print_end(run, false);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), run.id + "\n");
  testing::internal::CaptureStdout();
  const auto json = print_end(run, true);
  const std::string text = testing::internal::GetCapturedStdout();
  EXPECT_TRUE(plain && json);
  EXPECT_EQ(nlohmann::json::parse(text)["run"], run.id);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
}

}  // namespace
}  // namespace mnp::launcher
