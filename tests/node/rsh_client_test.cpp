#include "mnp/node/rsh_client.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "played_agents.hpp"
#include "waiting.hpp"

namespace mnp::node {
namespace {

void say(LocalPeer& peer, SpawnFrame type, std::string_view payload) {
  peer.send(static_cast<uint8_t>(type), payload);
}
void say_exit(LocalPeer& peer, uint32_t code, uint32_t signal = 0) {
  say(peer, SpawnFrame::kExited, encode(SpawnExit{code, signal}));
}

/// run_remote in this process: its output is this process's.
class RunRemote : public testing::Test {
 protected:
  Result<int> run(PlayedAgents::Asked asked) {
    PlayedAgents agents(path, std::move(asked));
    return run_remote(path, {"127.7.1.2", "orted", {"--tree-spawn"}, {}});
  }
  TemporaryFolder folder = *TemporaryFolder::create("rsh-client-test-");
  const std::string path = (folder.path() / "agent.sock").string();
};

TEST_F(RunRemote, AsksForWhatWasSaid) {
  SpawnRequest heard;
  const auto status = run([&](const std::shared_ptr<LocalPeer>& peer, SpawnRequest request) {
    heard = std::move(request);
    say_exit(*peer, 0);
  });
  ASSERT_TRUE(status) << status.error().text;
  EXPECT_EQ(heard, (SpawnRequest{"127.7.1.2", "orted", {"--tree-spawn"}, {}}));
}

TEST_F(RunRemote, GivesTheExitStatusOr128AndTheSignal) {
  for (const uint32_t code : {0U, 1U, 127U, 255U})
    EXPECT_EQ(run([&](const auto& peer, const auto&) { say_exit(*peer, code); }).value_or(-1),
              static_cast<int>(code));
  for (const uint32_t signal : {9U, 15U})
    EXPECT_EQ(run([&](const auto& peer, const auto&) { say_exit(*peer, 0, signal); }).value_or(-1),
              static_cast<int>(128 + signal));
}

TEST_F(RunRemote, WhatTheDaemonPrintsGoesToStandardError) {
  testing::internal::CaptureStderr();
  const std::string large(kMaxSpawnBlock, 'x');
  const auto status = run([&](const auto& peer, const auto&) {
    say(*peer, SpawnFrame::kStderr, std::string_view("err\0\xff", 5));
    for (int i = 0; i < 20; ++i) say(*peer, SpawnFrame::kStderr, large);
    say_exit(*peer, 3);
  });
  const std::string errors = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(status);
  EXPECT_EQ(*status, 3);
  EXPECT_EQ(errors.substr(0, 5), std::string("err\0\xff", 5));
  EXPECT_EQ(errors.size(), 5 + 20 * large.size());
}

TEST_F(RunRemote, ARefusalSaysWhy) {
  const auto status = run([](const auto& peer, const auto&) {
    say(*peer, SpawnFrame::kRefused, "127.7.1.2 is not a node of this job");
  });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kDenied);
  EXPECT_EQ(status.error().text, "127.7.1.2 is not a node of this job");
}

TEST_F(RunRemote, AnAgentThatGoesAwayIsClosed) {
  const auto status = run([](const auto& peer, const auto&) { peer->close(); });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kClosed);
}

TEST_F(RunRemote, WithoutAnAgentItNamesTheSocket) {
  const auto status = run_remote(path, {"h", "orted", {}, {}});
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().text.find(path), std::string::npos);
  const auto long_path = run_remote("/" + std::string(200, 'x'), {"h", "orted", {}, {}});
  ASSERT_FALSE(long_path);
  EXPECT_EQ(long_path.error().code, Code::kConfig);
}

TEST_F(RunRemote, NonsenseOfTheAgentIsAProtocolError) {
  const auto unknown = run([](const auto& peer, const auto&) { peer->send(99, "?"); });
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::kProtocol);
  const auto short_exit =
      run([](const auto& peer, const auto&) { say(*peer, SpawnFrame::kExited, "12"); });
  ASSERT_FALSE(short_exit);
  EXPECT_EQ(short_exit.error().code, Code::kProtocol);
}

/// The program itself.
class MnpRsh : public RunRemote {
 protected:
  ~MnpRsh() override {
    if (pid > 0) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }
  /// Its output goes to `folder`/output.
  void start(const std::vector<std::string>& arguments, bool with_socket = true) {
    pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid != 0) return;
    std::vector<std::string> words = {"mnp-rsh"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const std::string output = (folder.path() / "output").string();
    if (::freopen(output.c_str(), "w", stdout) == nullptr || ::dup2(1, 2) != 2) ::_exit(126);
    if (with_socket)
      ::setenv("MNP_AGENT_SOCKET", path.c_str(), 1);
    else
      ::unsetenv("MNP_AGENT_SOCKET");
    ::execv(MNP_RSH, argv.data());
    ::_exit(127);
  }
  int exit_status() {
    int status = 0;
    EXPECT_TRUE(eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; }));
    pid = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  std::string output() const { return *read_file(folder.path() / "output"); }
  pid_t pid = -1;
};

TEST_F(MnpRsh, StandsForTheDaemon) {
  PlayedAgents agents(path, [](const auto& peer, const auto& request) {
    say(*peer, SpawnFrame::kStderr, "at " + request.host + "\n");
    say_exit(*peer, 0, SIGSEGV);
  });
  start({"127.7.1.3", " orted -mca ess \"env\""});
  EXPECT_EQ(exit_status(), 128 + SIGSEGV);
  EXPECT_EQ(output(), "at 127.7.1.3\n");
}

TEST_F(MnpRsh, ItsDeathIsHeardByTheAgent) {
  for (const int signal : {SIGTERM, SIGINT, SIGKILL}) {
    std::atomic<bool> asked{false}, gone{false};
    PlayedAgents agents(
        path, [&](const auto&, const auto&) { asked = true; }, [&](LocalPeer*) { gone = true; });
    start({"127.7.1.3", "orted"});
    ASSERT_TRUE(eventually([&] { return asked.load(); }));
    EXPECT_FALSE(gone);
    ::kill(pid, signal);
    EXPECT_EQ(exit_status(), 1000 + signal);
    EXPECT_TRUE(eventually([&] { return gone.load(); }));
  }
}

TEST_F(MnpRsh, ARefusalIs255WithHostAndReason) {
  PlayedAgents agents(path, [](const auto& peer, const auto&) {
    say(*peer, SpawnFrame::kRefused, "not a node of this job");
  });
  start({"127.7.1.9", "orted"});
  EXPECT_EQ(exit_status(), 255);
  EXPECT_EQ(output(), "mnp-rsh: 127.7.1.9: not a node of this job\n");
}

TEST_F(MnpRsh, WhatIsNoDaemonNeverReachesTheAgent) {
  std::atomic<int> asked{0};
  PlayedAgents agents(path, [&](const auto&, const auto&) { ++asked; });
  start({"127.7.1.9", "sh -c id"});
  EXPECT_EQ(exit_status(), 255);
  EXPECT_NE(output().find("cannot serve this launcher"), std::string::npos) << output();
  EXPECT_EQ(asked, 0);
}

TEST_F(MnpRsh, OutsideANodeItSaysSo) {
  start({"127.7.1.9", "orted"}, false);
  EXPECT_EQ(exit_status(), 255);
  EXPECT_NE(output().find("MNP_AGENT_SOCKET"), std::string::npos);
}

TEST_F(MnpRsh, AClosedOutputIsNoEnd) {
  PlayedAgents agents(path, [](const auto& peer, const auto&) {
    say(*peer, SpawnFrame::kStderr, std::string(kMaxSpawnBlock, 'x'));
    say_exit(*peer, 4);
  });
  Pipe pipe = *make_pipe();
  pipe.read.reset();
  pid = ::fork();
  if (pid == 0) {
    ::dup2(pipe.write.get(), STDERR_FILENO);
    ::setenv("MNP_AGENT_SOCKET", path.c_str(), 1);
    ::execl(MNP_RSH, "mnp-rsh", "127.7.1.3", "orted", static_cast<char*>(nullptr));
    ::_exit(127);
  }
  EXPECT_EQ(exit_status(), 4);
}

}  // namespace
}  // namespace mnp::node
