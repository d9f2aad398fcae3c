// A server, clients and strangers on loopback, all in one loop.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mnp/node/channel_client.hpp"
#include "mnp/node/channel_server.hpp"
#include "mnp/node/socket_address.hpp"

namespace mnp::node {

class ChannelTest : public testing::Test {
 protected:
  static constexpr std::chrono::seconds kHang{20};

  void serve(ServerLimits limits = {}, const std::string& address = "127.0.0.1") {
    auto made = ChannelServer::listen(
        loop, address, 0,
        {[this](const PeerIdentity& who) -> std::optional<JoinKey> {
           asked.push_back(who);
           return who.job == "job-1" ? std::optional(key) : std::nullopt;
         },
         [this](const PeerIdentity& who, std::unique_ptr<Channel> channel) {
           joined.push_back(who);
           inside.push_back(std::move(channel));
         }},
        limits);
    ASSERT_TRUE(made) << made.error().text;
    server = std::move(*made);
  }
  static PeerIdentity node(uint32_t index, const std::string& job = "job-1") {
    return {job, 1, NodeIndex(index), Incarnation(1), 1};
  }
  ConnectTarget target() const { return {"127.0.0.1", server->port()}; }

  bool until(const std::function<bool()>& condition) {
    const TimePoint deadline = Clock::now() + kHang;
    while (!condition() && Clock::now() < deadline)
      loop.run_once(std::min(deadline, Clock::now() + Milliseconds(50)));
    return condition();
  }
  Result<std::unique_ptr<Channel>> try_connect(const ConnectTarget& to, const PeerIdentity& who,
                                               const JoinKey& with,
                                               Milliseconds limit = Milliseconds(10000)) {
    std::optional<Result<std::unique_ptr<Channel>>> result;
    const auto attempt =
        connect_channel(loop, to, who, with, Clock::now() + limit,
                        [&](Result<std::unique_ptr<Channel>> got) { result = std::move(got); });
    if (!until([&] { return result.has_value(); })) return fail(Code::kBug, "no answer at all");
    return std::move(*result);
  }
  /// A joined node: the client's end; the server's is `inside.back()`.
  std::unique_ptr<Channel> connect(uint32_t index = 3) {
    const size_t before = inside.size();
    auto channel = try_connect(target(), node(index), key);
    EXPECT_TRUE(channel) << channel.error().text;
    EXPECT_TRUE(until([&] { return inside.size() == before + 1; }));
    return channel ? std::move(*channel) : nullptr;
  }
  /// A connection that knows nothing of TLS.
  Fd stranger() const {
    auto address = parse_address("127.0.0.1", server->port());
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(fd.get(), address->get(), address->size), 0);
    return fd;
  }
  static bool closed(const Fd& fd) {
    char byte[512];
    const ssize_t n = ::recv(fd.get(), byte, sizeof byte, MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
  }
  static bool closed_at_last(const Fd& fd) {  // behind an alert
    char bytes[512];
    ssize_t n = 0;
    while ((n = ::recv(fd.get(), bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
    }
    return n == 0 || (errno != EAGAIN && errno != EINTR);
  }

  Loop loop;
  JoinKey key = *JoinKey::make();
  std::vector<PeerIdentity> asked, joined;
  std::vector<std::unique_ptr<Channel>> inside;
  std::unique_ptr<ChannelServer> server;
};

}  // namespace mnp::node
