#include "mnp/node/channel_server.hpp"

#include <sys/resource.h>

#include "channel_fixture.hpp"

namespace mnp::node {
namespace {

using ServerTest = ChannelTest;

TEST_F(ServerTest, LetsInWhoProvesTheKey) {
  serve();
  const auto channel = connect(7);
  ASSERT_TRUE(channel);
  ASSERT_EQ(joined.size(), 1U);
  EXPECT_EQ(joined[0], node(7));
  EXPECT_EQ(server->joining(), 0U);
}

TEST_F(ServerTest, AWrongKeyIsRefused) {
  serve();
  const auto channel = try_connect(target(), node(1), *JoinKey::make());
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().code, Code::kDenied) << channel.error().text;
  EXPECT_TRUE(until([&] { return server->refused(Refusal::kKey) == 1; }));
  EXPECT_TRUE(joined.empty());
}

TEST_F(ServerTest, AnUnknownIdentityIsRefused) {
  serve();
  const auto channel = try_connect(target(), node(1, "job-2"), key);
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().code, Code::kDenied) << channel.error().text;
  EXPECT_TRUE(until([&] { return server->refused(Refusal::kKey) == 1; }));
}

TEST_F(ServerTest, GarbageReachesNothingButTheHandshake) {
  serve();
  const Fd http = stranger(), noise = stranger(), flood = stranger();
  const std::string request = "GET / HTTP/1.1\r\nHost: main\r\n\r\n";
  std::string bytes(4000, '\x16');
  ASSERT_GT(::send(http.get(), request.data(), request.size(), MSG_NOSIGNAL), 0);
  ASSERT_GT(::send(noise.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
  // A handshake message that announces 100,000 bytes, in well-formed records.
  std::string hello{"\x16\x03\x01\x40\x00\x01\x01\x86\xa0", 9};
  hello.append(0x4000 - 4, 'h');
  std::string more{"\x16\x03\x01\x40\x00", 5};
  more.append(0x4000, 'h');
  hello += more;
  ASSERT_GT(::send(flood.get(), hello.data(), hello.size(), MSG_NOSIGNAL | MSG_DONTWAIT), 0);
  ASSERT_TRUE(until([&] {
    return server->refused(Refusal::kHandshake) == 2 && server->refused(Refusal::kTooLong) == 1;
  })) << server->refused(Refusal::kHandshake)
      << " " << server->refused(Refusal::kTooLong);
  EXPECT_TRUE(until([&] { return closed_at_last(http) && closed_at_last(noise); }));
  EXPECT_TRUE(asked.empty());
  EXPECT_TRUE(connect());
}

TEST_F(ServerTest, SlowWritersAreRefusedAtTheDeadline) {
  ServerLimits limits;
  limits.handshake = Milliseconds(300);
  serve(limits);
  const Fd slow = stranger();
  const TimePoint start = Clock::now();
  loop.every(Milliseconds(20), [&] { (void)::send(slow.get(), "\x16", 1, MSG_NOSIGNAL); });
  ASSERT_TRUE(until([&] { return server->refused(Refusal::kTooSlow) > 0 ||
                                 server->refused(Refusal::kHandshake) > 0; }));
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(5));
  const Fd idle = stranger();
  ASSERT_TRUE(until([&] { return server->refused(Refusal::kTooSlow) > 0 && closed(idle); }));
  EXPECT_EQ(server->joining(), 0U);
}

TEST_F(ServerTest, AThousandIdleConnectionsDoNotKeepANodeOut) {
  ServerLimits limits;
  limits.least_stay = Milliseconds(50);
  serve(limits);
  std::vector<Fd> idle;
  for (int i = 0; i < 1000; ++i) {
    idle.push_back(stranger());
    if (i % 100 == 0) loop.run_once(Clock::now());
  }
  ASSERT_TRUE(connect());
  EXPECT_GT(server->refused(Refusal::kCrowded), 0U);
  EXPECT_LE(server->joining(), limits.max_joining);
}

TEST_F(ServerTest, JoinsBeyondTheRateWaitAndAreServed) {
  ServerLimits limits;
  limits.join_burst = 2;
  limits.joins_per_second = 20;
  serve(limits);
  const TimePoint start = Clock::now();
  std::vector<std::unique_ptr<Channel>> children;
  for (uint32_t i = 0; i < 8; ++i) children.push_back(connect(i));
  EXPECT_EQ(joined.size(), 8U);
  EXPECT_GE(Clock::now() - start, Milliseconds(250));  // six of them at 20 a second
}

TEST_F(ServerTest, WithoutDescriptorsItRefusesAndGoesOnLater) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UBSan's own checks fail where no descriptor is left";
#endif
  serve();
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  std::vector<Fd> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(stranger());
  const Fd probe(::dup(0));
  ASSERT_TRUE(probe);
  rlimit low = old;
  low.rlim_cur = static_cast<rlim_t>(probe.get()) + 1;  // every number below is taken
  std::vector<Fd> filler;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  while (true) {
    Fd more(::dup(0));
    if (!more) break;
    filler.push_back(std::move(more));
  }
  const bool refused = until([&] { return server->refused(Refusal::kDescriptors) > 0; });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_TRUE(refused);
  filler.clear();
  EXPECT_TRUE(connect());
}

TEST_F(ServerTest, PeersThatLeaveAreForgotten) {
  serve();
  for (int i = 0; i < 5; ++i) {
    const Fd gone = stranger();
    (void)::send(gone.get(), "\x16\x03", 2, MSG_NOSIGNAL);
  }
  ASSERT_TRUE(until([&] { return server->refused(Refusal::kClosed) == 5; }));
  EXPECT_EQ(server->joining(), 0U);
}

TEST_F(ServerTest, AHundredNodesJoinAtOnce) {
  serve();
  std::vector<std::unique_ptr<ConnectAttempt>> attempts;
  std::vector<std::unique_ptr<Channel>> children;
  for (uint32_t i = 0; i < 100; ++i)
    attempts.push_back(connect_channel(loop, target(), node(i), key, Clock::now() + kHang,
                                       [&](Result<std::unique_ptr<Channel>> got) {
                                         ASSERT_TRUE(got) << got.error().text;
                                         children.push_back(std::move(*got));
                                       }));
  EXPECT_TRUE(until([&] { return children.size() == 100 && joined.size() == 100; }));
}

TEST_F(ServerTest, MayBeDestroyedWhileNodesJoin) {
  serve();
  const Fd half = stranger();
  (void)until([&] { return server->joining() == 1; });
  server.reset();
  EXPECT_TRUE(until([&] { return closed(half); }));
}

TEST_F(ServerTest, AnAddressThatIsTakenIsAnError) {
  serve();
  const auto second = ChannelServer::listen(loop, "127.0.0.1", server->port(), {});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().text.find("127.0.0.1:"), std::string::npos);
}

}  // namespace
}  // namespace mnp::node
