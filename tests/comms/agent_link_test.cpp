#include "comms/agent_link.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace mnp::comms {
namespace {

using model::RankFrame;

struct Ends {
  AgentLink rank;
  Fd agent;
};
Ends connected() {
  int fds[2];
  MNP_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "socketpair");
  return {*AgentLink::over(Fd(fds[0])), Fd(fds[1])};
}

TEST(AgentLink, NothingToReadIsNoFrame) {
  Ends ends = connected();
  const auto frame = ends.rank.next();
  ASSERT_TRUE(frame);
  EXPECT_FALSE(*frame);
}

TEST(AgentLink, FramesThatComeInPiecesAreWhole) {
  Ends ends = connected();
  std::string bytes;
  append_frame(bytes, 4, "");
  append_frame(bytes, 2, "payload");
  std::vector<Frame> frames;
  for (const char c : bytes) {
    ASSERT_TRUE(write_all(ends.agent.get(), {&c, 1}, Clock::now() + std::chrono::minutes(1)));
    const auto frame = ends.rank.next();
    ASSERT_TRUE(frame);
    if (*frame) frames.push_back(**frame);
  }
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[1].payload, "payload");
}

TEST(AgentLink, WhatTheSocketDoesNotTakeStaysQueued) {
  Ends ends = connected();
  const std::string large(size_t{4} << 20, 'x');
  ends.rank.send(RankFrame::kSend, large);
  ASSERT_TRUE(ends.rank.flush());
  EXPECT_GT(ends.rank.queued(), 0U);
  FrameReader reader;
  std::string block(1 << 16, '\0');
  for (;;) {
    ASSERT_TRUE(ends.rank.flush());
    const ssize_t n = ::read(ends.agent.get(), block.data(), block.size());
    ASSERT_GT(n, 0);
    reader.feed({block.data(), static_cast<size_t>(n)});
    const auto frame = reader.next();
    ASSERT_TRUE(frame);
    if (!*frame) continue;
    EXPECT_TRUE((*frame)->payload == large);
    break;
  }
  EXPECT_EQ(ends.rank.queued(), 0U);
}

TEST(AgentLink, AnAgentThatIsGoneIsSeen) {
  Ends ends = connected();
  ends.agent.reset();
  const auto frame = ends.rank.next();
  ASSERT_FALSE(frame);
  EXPECT_EQ(frame.error().code, Code::kClosed);
  ends.rank.send(RankFrame::kRing, "x");
  EXPECT_FALSE(ends.rank.flush());
}

TEST(AgentLink, AnUnreachableSocketIsNamed) {
  const auto link = AgentLink::connect("/nowhere/agent.sock");
  ASSERT_FALSE(link);
  EXPECT_NE(link.error().text.find("/nowhere/agent.sock"), std::string::npos);
  EXPECT_FALSE(AgentLink::connect(std::string(300, 'x')));
}

}  // namespace
}  // namespace mnp::comms
