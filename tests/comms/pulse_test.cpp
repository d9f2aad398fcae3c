#include "comms/pulse.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>

#include <gtest/gtest.h>

namespace mnp::comms {
namespace {

constexpr Milliseconds kEvery{10}, kQuiet{200};

/// The test is the rank's loop, and the agent.
class PulseTest : public testing::Test {
 protected:
  PulseTest() {
    int fds[2];
    MNP_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "socketpair");
    link.emplace(*AgentLink::over(Fd(fds[0])));
    agent = Fd(fds[1]);
  }
  /// Bytes have come within `time`.
  bool heard(Milliseconds time) {
    pollfd waiting{agent.get(), POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(time.count())) <= 0) return false;
    char bytes[4096];
    return ::read(agent.get(), bytes, sizeof bytes) > 0;
  }
  /// Nothing more comes, once what was on its way has.
  bool falls_silent() {
    for (int i = 0; i < 100; ++i)
      if (!heard(kQuiet)) return true;
    return false;
  }
  std::optional<AgentLink> link;
  Fd agent;
};

constexpr Milliseconds kHang{60'000};

TEST_F(PulseTest, ALoopThatTurnsIsHeard) {
  Pulse pulse(*link, kEvery);
  for (int i = 0; i < 5; ++i) {
    pulse.turned();
    EXPECT_TRUE(heard(kHang));
  }
}

TEST_F(PulseTest, ALoopThatHangsIsNotHeard) {
  Pulse pulse(*link, kEvery);
  EXPECT_TRUE(falls_silent());
}

TEST_F(PulseTest, ALoopThatWaitsForFilesIsHeard) {
  Pulse pulse(*link, kEvery);
  {
    const Pulse::Files waits(pulse);
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(heard(kHang));
  }
  EXPECT_TRUE(falls_silent());
}

TEST_F(PulseTest, WhatALoopThatWaitsForFilesHasLeftUnwrittenGoes) {
  link->send(model::RankFrame::kRing, {});
  Pulse pulse(*link, kEvery);
  const Pulse::Files waits(pulse);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(heard(kHang));
}

TEST_F(PulseTest, AWaitForFilesWithoutEndIsAHang) {
  Pulse pulse(*link, kEvery, Milliseconds(300));
  const Pulse::Files waits(pulse);
  EXPECT_TRUE(heard(kHang));
  EXPECT_TRUE(falls_silent());
}

TEST_F(PulseTest, AnAgentThatDoesNotReadGetsNoMore) {
  const std::string large(size_t{4} << 20, 'x');
  link->send(model::RankFrame::kSend, large);
  ASSERT_TRUE(link->flush());
  const size_t queued = link->queued();
  ASSERT_GT(queued, 0U);
  Pulse pulse(*link, kEvery);
  const Pulse::Files waits(pulse);
  std::this_thread::sleep_for(20 * kEvery);
  EXPECT_EQ(link->queued(), queued);
}

}  // namespace
}  // namespace mnp::comms
