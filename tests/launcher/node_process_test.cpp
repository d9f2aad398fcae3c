#include "launcher/node_process.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include <gtest/gtest.h>

#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

constexpr std::chrono::seconds kHang{60};

class NodeProcesses : public testing::Test {
 protected:
  NodeStart shell(const std::string& text) const {
    NodeStart start;
    start.argv = {"/bin/sh", "-c", text};
    start.environment = {"PATH=/usr/bin:/bin", "OUT=" + folder.path().string()};
    start.log = folder.path() / "log/node-0000.log";
    return start;
  }
  /// Runs it to its end; what it printed.
  std::string log_of(const NodeStart& start) {
    auto process = NodeProcess::start(start);
    EXPECT_TRUE(process) << process.error().text;
    if (process) last_exit = process->reap();
    const auto text = read_file(start.log);
    return text ? *text : "";
  }
  int exit_of(const std::string& text) {
    log_of(shell(text));
    return last_exit;
  }
  /// The pid that a node has written into a file.
  pid_t written_pid(const char* name) const {
    const TimePoint deadline = Clock::now() + kHang;
    while (Clock::now() < deadline) {
      const auto text = read_file(folder.path() / name);
      if (text && text->find('\n') != std::string::npos)
        return static_cast<pid_t>(*parse_integer(trim(*text)));
      std::this_thread::sleep_for(Milliseconds(5));
    }
    ADD_FAILURE() << "no pid in " << name;
    return -1;
  }
  TemporaryFolder folder = *TemporaryFolder::create("node-process-test-");
  int last_exit = -1;
};

/// Dead, or dead and waiting to be reaped by whoever is its parent now.
bool is_dead(pid_t pid) {
  const TimePoint deadline = Clock::now() + kHang;
  while (Clock::now() < deadline) {
    const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
    if (!stat || stat->find(") Z") != std::string::npos) return true;
    std::this_thread::sleep_for(Milliseconds(5));
  }
  return false;
}

/// A set of /proc/PID/status, without 32 and 33, which glibc keeps to itself.
uint64_t signals_in(const std::string& status, const std::string& name) {
  const size_t at = status.find(name + ":\t");
  EXPECT_NE(at, std::string::npos) << status;
  if (at == std::string::npos) return ~uint64_t{0};
  return std::stoull(status.substr(at + name.size() + 2), nullptr, 16) & ~(uint64_t{3} << 31);
}

TEST_F(NodeProcesses, ExitStatusIsAsBatchCountsIt) {
  EXPECT_EQ(exit_of("exit 0"), 0);
  EXPECT_EQ(exit_of("exit 31"), 31);
  EXPECT_EQ(exit_of("exit 255"), 255);
  EXPECT_EQ(exit_of("kill -9 $$"), 137);
  EXPECT_EQ(exit_of("kill -15 $$"), 143);
}

TEST_F(NodeProcesses, LogGetsBothStreamsAndIsNeverCut) {
  EXPECT_EQ(log_of(shell("echo out; echo err >&2")), "out\nerr\n");
  EXPECT_EQ(log_of(shell("echo again")), "out\nerr\nagain\n");
}

TEST_F(NodeProcesses, EnvironmentIsTheOneGiven) {
  ::setenv("NODE_PROCESS_TEST", "mine", 1);
  NodeStart start = shell("echo \"$NODE_PROCESS_TEST|$GIVEN\"");
  start.environment.push_back("GIVEN=a b");
  EXPECT_EQ(log_of(start), "|a b\n");
  ::unsetenv("NODE_PROCESS_TEST");
}

TEST_F(NodeProcesses, StartsWithDefaultSignalsAndAnEmptyMask) {
  const auto old = ::signal(SIGINT, SIG_IGN);
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  NodeStart start = shell("");
  start.argv = {"/bin/cat", "/proc/self/status"};
  const std::string status = log_of(start);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::signal(SIGINT, old);
  EXPECT_EQ(signals_in(status, "SigBlk"), 0u);
  EXPECT_EQ(signals_in(status, "SigIgn"), 0u);
}

TEST_F(NodeProcesses, LeadsASessionAndReadsNothing) {
  auto process = NodeProcess::start(shell("readlink /proc/self/fd/0; sleep 100"));
  ASSERT_TRUE(process);
  EXPECT_EQ(::getsid(process->pid()), process->pid());
  const TimePoint deadline = Clock::now() + kHang;
  std::string log;
  while (log.empty() && Clock::now() < deadline) {
    std::this_thread::sleep_for(Milliseconds(5));
    log = *read_file(folder.path() / "log/node-0000.log");
  }
  EXPECT_EQ(log, "/dev/null\n");
  process->kill_tree();
  EXPECT_EQ(process->reap(), 137);
}

TEST_F(NodeProcesses, LifelineEndsWithItsOwner) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  NodeStart start = shell("cat <&3; echo eof");
  start.lifeline = pipe->read.get();
  auto process = NodeProcess::start(start);
  ASSERT_TRUE(process);
  ASSERT_TRUE(write_all(pipe->write.get(), "alive\n", Clock::now() + kHang));
  pollfd ended{process->pidfd().get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 0), 0) << "it ended before its owner";
  pipe->write.reset();
  EXPECT_EQ(::poll(&ended, 1, poll_timeout(Clock::now() + kHang)), 1);
  process->kill_tree();
  EXPECT_EQ(process->reap(), 0);
  EXPECT_EQ(*read_file(start.log), "alive\neof\n");
}

TEST_F(NodeProcesses, KillTreeReachesOtherSessions) {
  auto process = NodeProcess::start(
      shell("setsid sh -c 'trap \"\" TERM; echo $$ > $OUT/deep; sleep 1000; exit' & wait"));
  ASSERT_TRUE(process);
  const pid_t deep = written_pid("deep");
  EXPECT_NE(::getsid(deep), process->pid());
  process->kill_tree();
  EXPECT_EQ(process->reap(), 137);
  EXPECT_TRUE(is_dead(deep));
}

TEST_F(NodeProcesses, MissingProgramIsNamed) {
  NodeStart start = shell("");
  start.argv = {(folder.path() / "mnp-node").string()};
  const auto process = NodeProcess::start(start);
  ASSERT_FALSE(process);
  EXPECT_EQ(process.error().code, Code::kIo);
  EXPECT_EQ(process.error().text, "start " + start.argv[0] + ": No such file or directory");
}

TEST_F(NodeProcesses, LogThatCannotBeOpenedStartsNothing) {
  NodeStart start = shell("echo ran > $OUT/ran");
  start.log = folder.path();
  const auto process = NodeProcess::start(start);
  ASSERT_FALSE(process);
  EXPECT_NE(process.error().text.find(folder.path().string()), std::string::npos);
  EXPECT_FALSE(fs::exists(folder.path() / "ran"));
}

TEST_F(NodeProcesses, StraysAreEndedAndOursAreNot) {
  auto own = NodeProcess::start(shell("exec sleep 1000"));
  auto stray = NodeProcess::start(shell("setsid sh -c 'echo $$ > $OUT/below; sleep 1000' & wait"));
  ASSERT_TRUE(own && stray);
  const pid_t below = written_pid("below");
  end_strays({own->pid()});
  EXPECT_TRUE(is_dead(stray->pid()));
  EXPECT_TRUE(is_dead(below));
  ::waitpid(stray->pid(), nullptr, 0);  // where end_strays came too early to reap it
  EXPECT_EQ(::kill(own->pid(), 0), 0);
  own->signal(SIGTERM);
  EXPECT_EQ(own->reap(), 143) << "it was stopped or killed with the strays";
}

}  // namespace
}  // namespace mnp::launcher
