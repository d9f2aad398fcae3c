#include "mnp/node/tls_stream.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace mnp::node {
namespace {

constexpr size_t kHandshakeBytes = 16 * 1024;
const PeerIdentity kNode{"job-1", 2, NodeIndex(3), Incarnation(1), 1};

/// Both ends in one thread, over a socket pair.
struct Pair {
  explicit Pair(const JoinKey& at_client, const JoinKey& at_server,
                size_t handshake_bytes = kHandshakeBytes) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    server = *TlsStream::server(
        Fd(ends[0]),
        [at_server](const PeerIdentity& who) -> std::optional<JoinKey> {
          return who == kNode ? std::optional(at_server) : std::nullopt;
        },
        handshake_bytes);
    client = *TlsStream::client(Fd(ends[1]), kNode, at_client);
  }
  /// Until both have done it or one has failed: the errors' codes.
  std::pair<Result<bool>, Result<bool>> shake_hands() {
    Result<bool> at_client = false, at_server = false;
    for (int turn = 0; turn < 100; ++turn) {
      if (at_client && !*at_client) at_client = client->handshake();
      if (at_server && !*at_server) at_server = server->handshake();
      if ((!at_client || *at_client) && (!at_server || *at_server)) break;
    }
    return {at_client, at_server};
  }
  std::unique_ptr<TlsStream> client, server;
};

std::string read_some(TlsStream& stream) {
  char bytes[256];
  const auto n = stream.read(bytes, sizeof bytes);
  return n ? std::string(bytes, *n) : "<" + n.error().text + ">";
}

TEST(TlsStream, BothProveTheKeyAndBytesPass) {
  const JoinKey key = *JoinKey::make();
  Pair pair(key, key);
  const auto [at_client, at_server] = pair.shake_hands();
  ASSERT_TRUE(at_client && *at_client);
  ASSERT_TRUE(at_server && *at_server) << at_server.error().text;
  EXPECT_EQ(pair.server->identity(), kNode);
  EXPECT_EQ(pair.server->claim(), TlsStream::Claim::kFound);
  EXPECT_EQ(read_some(*pair.server), "");  // not now
  EXPECT_EQ(*pair.client->write("to main"), 7U);
  EXPECT_EQ(read_some(*pair.server), "to main");
  EXPECT_EQ(*pair.server->write("to child"), 8U);
  EXPECT_EQ(read_some(*pair.client), "to child");
}

TEST(TlsStream, AnotherKeyIsDenied) {
  Pair pair(*JoinKey::make(), *JoinKey::make());
  const auto [at_client, at_server] = pair.shake_hands();
  ASSERT_FALSE(at_server);
  EXPECT_EQ(at_server.error().code, Code::kDenied);
  ASSERT_FALSE(at_client);
  EXPECT_EQ(pair.server->claim(), TlsStream::Claim::kFound);  // as an identity that is known
}

TEST(TlsStream, TooManyBytesBeforeTheProofAreRefused) {
  const JoinKey key = *JoinKey::make();
  Pair pair(key, key, 32);
  const auto [at_client, at_server] = pair.shake_hands();
  ASSERT_FALSE(at_server);
  EXPECT_EQ(at_server.error().code, Code::kProtocol);
}

TEST(TlsStream, TheEndIsSaidAndHeard) {
  const JoinKey key = *JoinKey::make();
  Pair pair(key, key);
  ASSERT_TRUE(pair.shake_hands().second);
  ASSERT_TRUE(pair.client->write("last"));
  EXPECT_TRUE(pair.client->say_end());
  EXPECT_EQ(read_some(*pair.server), "last");
  char byte = 0;
  const auto end = pair.server->read(&byte, 1);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Code::kClosed);
}

TEST(TlsStream, ACutWithoutAWordIsClosedToo) {
  const JoinKey key = *JoinKey::make();
  Pair pair(key, key);
  ASSERT_TRUE(pair.shake_hands().second);
  ::shutdown(pair.client->fd(), SHUT_RDWR);
  char byte = 0;
  const auto end = pair.server->read(&byte, 1);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Code::kClosed);
}

TEST(TlsStream, AFullSocketTakesNothingAndLosesNothing) {
  const JoinKey key = *JoinKey::make();
  Pair pair(key, key);
  ASSERT_TRUE(pair.shake_hands().second);
  const std::string block(1 << 16, 'x');
  size_t sent = 0;
  for (bool full = false; !full;) {
    const auto n = pair.client->write(block);
    ASSERT_TRUE(n);
    sent += *n;
    full = *n == 0;
  }
  EXPECT_TRUE(pair.client->wants_write());
  size_t received = 0;
  std::string bytes(1 << 16, '\0');
  bool retried = false;
  for (int turn = 0; turn < 100000 && received < sent; ++turn) {
    const auto n = pair.server->read(bytes.data(), bytes.size());
    ASSERT_TRUE(n);
    received += *n;
    if (*n > 0 || retried) continue;
    const auto again = pair.client->write(block);  // the record that was begun
    ASSERT_TRUE(again);
    sent += *again;
    retried = *again > 0;
  }
  EXPECT_EQ(received, sent);
}

TEST(TlsStream, AnIdentityOfAnotherFormIsAConfigError) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const Fd other(ends[0]);
  const auto client =
      TlsStream::client(Fd(ends[1]), {"a|b", 1, NodeIndex(1), Incarnation(1), 1}, *JoinKey::make());
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, Code::kConfig);
}

}  // namespace
}  // namespace mnp::node
