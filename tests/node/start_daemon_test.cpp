#include "mnp/node/start_daemon.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "mnp/core/files.hpp"

namespace mnp::node {
namespace {

/// A folder with a script called orted.
class StartDaemon : public testing::Test {
 protected:
  void script(const std::string& text) {
    const fs::path path = folder.path() / "orted";
    ASSERT_TRUE(create_file_once(path, "#!/bin/sh\n" + text, 0755));
    ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
  }
  SpawnRequest request(std::vector<std::string> args = {}) const {
    return {"h", (folder.path() / "orted").string(), std::move(args), {}};
  }
  static SpawnExit wait(const StartedDaemon& daemon) {
    pollfd ready{daemon.pidfd.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&ready, 1, 20000), 1);
    const auto end = daemon_end(daemon);
    EXPECT_TRUE(end && *end);
    return end && *end ? **end : SpawnExit{};
  }
  static std::string all(const Fd& fd) {
    std::string text;
    char block[4096];
    while (true) {
      const ssize_t n = ::read(fd.get(), block, sizeof block);
      if (n > 0) text.append(block, static_cast<size_t>(n));
      if (n == 0) return text;
      pollfd ready{fd.get(), POLLIN, 0};
      if (n < 0 && (errno != EAGAIN || ::poll(&ready, 1, 20000) != 1)) return text + "<cut>";
    }
  }
  TemporaryFolder folder = *TemporaryFolder::create("start-daemon-test-");
};

TEST_F(StartDaemon, RunsInASessionOfItsOwnAndStreamsApart) {
  script("echo out $3; echo err $WHO >&2; pwd; cat; [ \"$$\" = \"$(ps -o sid= -p $$ | tr -d ' ')\" ] "
         "&& echo leader; exit 5\n");
  auto daemon = start_daemon(request({"-mca", "ess", "\"a b\""}), {"WHO=me"}, "/usr");
  ASSERT_TRUE(daemon) << daemon.error().text;
  EXPECT_EQ(all(daemon->output), "out \"a b\"\n/usr\nleader\n");
  EXPECT_EQ(all(daemon->errors), "err me\n");
  const SpawnExit end = wait(*daemon);
  EXPECT_EQ(end.status(), 5);
}

TEST_F(StartDaemon, IsKilledWithItsGroup) {
  script("sleep 300 & echo ready; wait\n");
  auto daemon = start_daemon(request(), {}, "");
  ASSERT_TRUE(daemon) << daemon.error().text;
  pollfd ready{daemon->output.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&ready, 1, 20000), 1);
  EXPECT_FALSE(daemon_end(*daemon)->has_value());
  kill_daemon(*daemon);
  EXPECT_EQ(wait(*daemon).status(), 137);
  EXPECT_EQ(all(daemon->output), "ready\n");  // ends: the sleeper is gone too
  kill_daemon(*daemon);                       // harmless afterwards
}

TEST_F(StartDaemon, InheritsNoDescriptor) {
  script("ls /proc/self/fd | wc -l\n");
  const Fd leak(::dup(0));  // not close-on-exec
  auto daemon = start_daemon(request(), {}, "");
  ASSERT_TRUE(daemon) << daemon.error().text;
  EXPECT_EQ(all(daemon->output), "4\n");  // 0, 1, 2 and the listing's own
  wait(*daemon);
}

TEST_F(StartDaemon, RefusesWhatCheckSpawnRefuses) {
  const auto daemon = start_daemon({"h", "/bin/sh", {"-c", "id"}, {}}, {}, "");
  ASSERT_FALSE(daemon);
  EXPECT_EQ(daemon.error().code, Code::kDenied);
}

TEST_F(StartDaemon, AProgramThatIsNotThereIsNotFound) {
  const auto absolute = start_daemon({"h", "/nowhere/orted", {}, {}}, {}, "");
  ASSERT_FALSE(absolute);
  EXPECT_EQ(absolute.error().code, Code::kNotFound);
  const auto by_name = plan_daemon({"h", "prted", {}, {}}, {"PATH=/nowhere"}, {});
  ASSERT_FALSE(by_name);
  EXPECT_NE(by_name.error().text.find("/nowhere"), std::string::npos);
}

TEST_F(StartDaemon, PlanExpandsFromTheFarSidesEnvironment) {
  script("");
  const std::string bin = folder.path().string();
  const SpawnRequest asked{"h",
                           "orted",
                           {"--tree-spawn"},
                           {{"PATH", {{false, bin + ":"}, {true, "PATH"}}},
                            {"LD_LIBRARY_PATH", {{false, "/lib:"}, {true, "LD_LIBRARY_PATH"}}}}};
  const auto plan = plan_daemon(asked, {"PATH=/usr/bin", "HOME=/h"}, {"HOME=/mine", "NEW=1"});
  ASSERT_TRUE(plan) << plan.error().text;
  EXPECT_EQ(plan->path, bin + "/orted");
  EXPECT_EQ(plan->argv, (std::vector<std::string>{"orted", "--tree-spawn"}));
  EXPECT_EQ(plan->environment,
            (std::vector<std::string>{"PATH=" + bin + ":/usr/bin", "HOME=/mine",
                                      "LD_LIBRARY_PATH=/lib:", "NEW=1"}));
}

}  // namespace
}  // namespace mnp::node
