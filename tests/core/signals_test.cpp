#include "mnp/core/signals.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>

#include <gtest/gtest.h>

namespace mnp {
namespace {

class Signals : public testing::Test {
 protected:
  Signals() { ::sigprocmask(SIG_SETMASK, nullptr, &before_); }
  ~Signals() override { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

TEST_F(Signals, AreReadInsteadOfComing) {
  ::signal(SIGUSR1, SIG_IGN);  // as a shell may have left it
  const auto caught = catch_signals(std::array{SIGUSR1, SIGUSR2});
  ASSERT_TRUE(caught) << caught.error().text;
  EXPECT_EQ(next_signal(*caught), std::nullopt);
  ::kill(::getpid(), SIGUSR2);
  ::kill(::getpid(), SIGUSR1);
  pollfd wait{caught->get(), POLLIN, 0};
  EXPECT_EQ(::poll(&wait, 1, 60000), 1);
  EXPECT_EQ(next_signal(*caught), SIGUSR1);  // the lowest first
  EXPECT_EQ(next_signal(*caught), SIGUSR2);
  EXPECT_EQ(next_signal(*caught), std::nullopt);
}

TEST_F(Signals, HaveNames) {
  EXPECT_EQ(signal_name(SIGTERM), "SIGTERM");
  EXPECT_EQ(signal_name(1000), "signal 1000");
}

}  // namespace
}  // namespace mnp
