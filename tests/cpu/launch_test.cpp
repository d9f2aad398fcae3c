#include "cpu/launch.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace mnp::cpu {
namespace {

class Launching : public testing::Test {
 protected:
  LaunchPlan plan_for(const char* path) {
    argv_[0] = const_cast<char*>(path);
    LaunchPlan plan;
    plan.path = path;
    plan.argv = argv_;
    plan.environment = environment_;
    plan.input = plan.output = null_.get();
    return plan;
  }

  Fd null_{::fcntl(Fd(::open("/dev/null", O_RDWR)).get(), F_DUPFD_CLOEXEC, 3)};
  char* argv_[2] = {nullptr, nullptr};
  char* environment_[1] = {nullptr};
  Launcher launcher_;
};

TEST_F(Launching, GivesPidAndDescriptor) {
  const Launched launched = launcher_.launch(plan_for("/bin/true"));
  ASSERT_EQ(launched.error, 0);
  EXPECT_TRUE(launched.pidfd);
  int status = -1;
  EXPECT_EQ(::waitpid(launched.pid, &status, 0), launched.pid);
  EXPECT_EQ(status, 0);
}

TEST_F(Launching, FailureIsToldAndReaped) {
  const Launched launched = launcher_.launch(plan_for("/no/such/program"));
  EXPECT_EQ(launched.error, ENOENT);
  EXPECT_EQ(launched.pid, 0);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(Launching, AnInvalidSetOfCoresIsAnError) {
  cpu_set_t none;
  CPU_ZERO(&none);
  LaunchPlan plan = plan_for("/bin/true");
  plan.cpus = &none;
  EXPECT_EQ(launcher_.launch(plan).error, EINVAL);
}

TEST_F(Launching, ARaisedLimitIsNotTheCommands) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_max <= 100) GTEST_SKIP() << "no room to raise it";
  const rlimit low{100, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  raise_descriptor_limit();
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
  char shell[] = "sh", option[] = "-c", line[] = "[ $(ulimit -n) = 100 ]";
  char* const argv[] = {shell, option, line, nullptr};
  LaunchPlan plan = plan_for("/bin/sh");
  plan.argv = argv;
  const Launched launched = launcher_.launch(plan);
  ASSERT_EQ(launched.error, 0);
  int status = -1;
  EXPECT_EQ(::waitpid(launched.pid, &status, 0), launched.pid);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace mnp::cpu
