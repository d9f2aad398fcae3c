#include "mnp/node/channel_client.hpp"

#include <openssl/ssl.h>

#include <thread>

#include "channel_fixture.hpp"

namespace mnp::node {
namespace {

using ClientTest = ChannelTest;

TEST_F(ClientTest, ConnectsFromTheNodesOwnAddress) {
  serve();
  const auto channel = try_connect({"127.0.0.1", server->port(), "127.9.8.7"}, node(1), key);
  ASSERT_TRUE(channel) << channel.error().text;
  ASSERT_TRUE(until([&] { return inside.size() == 1; }));
  EXPECT_EQ(inside[0]->peer().rfind("127.9.8.7:", 0), 0U) << inside[0]->peer();
}

TEST_F(ClientTest, NobodyThereIsAnIoError) {
  serve();
  const ConnectTarget where = target();
  server.reset();
  const auto channel = try_connect(where, node(1), key);
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().code, Code::kIo);
  EXPECT_NE(channel.error().text.find("refused"), std::string::npos) << channel.error().text;
}

TEST_F(ClientTest, ANameIsAConfigError) {
  const auto channel = try_connect({"localhost", 1}, node(1), key);
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().code, Code::kConfig);
}

/// Listens and never accepts.
Fd silent_listener(uint16_t& port) {
  auto address = parse_address("127.0.0.1", 0);
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(fd.get(), address->get(), address->size), 0);
  EXPECT_EQ(::listen(fd.get(), 8), 0);
  SocketAddress bound;
  bound.size = sizeof bound.bytes;
  EXPECT_EQ(::getsockname(fd.get(), bound.get(), &bound.size), 0);
  port = bound.port();
  return fd;
}

TEST_F(ClientTest, ASilentServerIsATimeout) {
  uint16_t port = 0;
  const Fd listener = silent_listener(port);
  const auto channel = try_connect({"127.0.0.1", port}, node(1), key, Milliseconds(150));
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().code, Code::kTimeout);
}

TEST_F(ClientTest, GivingUpCallsNothing) {
  uint16_t port = 0;
  const Fd listener = silent_listener(port);
  bool called = false;
  auto attempt = connect_channel(loop, {"127.0.0.1", port}, node(1), key,
                                 Clock::now() + Milliseconds(50),
                                 [&](Result<std::unique_ptr<Channel>>) { called = true; });
  loop.run_once(Clock::now());
  attempt.reset();
  const TimePoint end = Clock::now() + Milliseconds(150);
  while (Clock::now() < end) loop.run_once(end);
  EXPECT_FALSE(called);
}

/// A server of TLS 1.3 that has a certificate and no key: what an impostor could be.
void serve_certificate(int listener) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  EVP_PKEY* pair = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, pair);
  X509_sign(certificate, pair, EVP_sha256());
  SSL_CTX_use_certificate(context, certificate);
  SSL_CTX_use_PrivateKey(context, pair);
  const Fd fd(::accept(listener, nullptr, nullptr));
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, fd.get());
  EXPECT_NE(SSL_accept(ssl), 1);
  SSL_free(ssl);
  X509_free(certificate);
  EVP_PKEY_free(pair);
  SSL_CTX_free(context);
}

TEST_F(ClientTest, AServerWithACertificateInsteadOfTheKeyIsDenied) {
  uint16_t port = 0;
  const Fd listener = silent_listener(port);
  std::thread impostor(serve_certificate, listener.get());
  const auto channel = try_connect({"127.0.0.1", port}, node(1), key);
  impostor.join();
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().code, Code::kDenied) << channel.error().text;
}

/// A client of OpenSSL with the right key that the server must still refuse.
class OwnClient {
 public:
  OwnClient(const JoinKey& key, std::string identity)
      : key_(key), identity_(std::move(identity)), context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_psk_use_session_callback(context_, use_session);
  }
  ~OwnClient() { SSL_CTX_free(context_); }
  SSL_CTX* context() { return context_; }
  /// True when the server lets it in and answers.
  bool try_handshake(int fd) {
    SSL* ssl = SSL_new(context_);
    SSL_set_app_data(ssl, this);
    SSL_set_fd(ssl, fd);
    const bool done = SSL_connect(ssl) == 1;
    version_ = SSL_version(ssl);
    SSL_free(ssl);
    return done;
  }

 private:
  static int use_session(SSL* ssl, const EVP_MD*, const unsigned char** identity, size_t* size,
                         SSL_SESSION** session) {
    auto* self = static_cast<OwnClient*>(SSL_get_app_data(ssl));
    const unsigned char cipher[] = {0x13, 0x01};
    *session = SSL_SESSION_new();
    SSL_SESSION_set1_master_key(*session, self->key_.bytes().data(), JoinKey::kBytes);
    SSL_SESSION_set_cipher(*session, SSL_CIPHER_find(ssl, cipher));
    SSL_SESSION_set_protocol_version(*session, TLS1_3_VERSION);
    *identity = reinterpret_cast<const unsigned char*>(self->identity_.data());
    *size = self->identity_.size();
    return 1;
  }
  const JoinKey key_;
  const std::string identity_;
  SSL_CTX* context_;
  int version_ = 0;
};

class ForeignClient : public ChannelTest {
 protected:
  bool let_in(OwnClient& client) {
    const Fd fd = stranger();
    std::optional<bool> done;
    std::thread thread([&] { done = client.try_handshake(fd.get()); });
    EXPECT_TRUE(until([&] { return server->joining() == 1 || !joined.empty(); }));
    EXPECT_TRUE(until([&] { return server->joining() == 0; }));
    thread.join();
    return *done;
  }
};

TEST_F(ForeignClient, WithKeyAndIdentityIsLetIn) {  // so that the refusals below mean something
  serve();
  OwnClient client(key, to_text(node(2)));
  EXPECT_TRUE(let_in(client));
  EXPECT_EQ(joined.size(), 1U);
}

TEST_F(ForeignClient, WithoutForwardSecrecyIsRefused) {
  serve();
  OwnClient client(key, to_text(node(2)));
  // Offers the key alone (psk_ke) and only a group that the server does not have, so that there is
  // no common (EC)DHE.
  SSL_CTX_set_options(client.context(), SSL_OP_ALLOW_NO_DHE_KEX);
  SSL_CTX_set1_groups_list(client.context(), "P-521");
  EXPECT_FALSE(let_in(client));
  EXPECT_TRUE(joined.empty());
}

TEST_F(ForeignClient, Tls12IsRefused) {
  serve();
  OwnClient client(key, to_text(node(2)));
  SSL_CTX_set_max_proto_version(client.context(), TLS1_2_VERSION);
  EXPECT_FALSE(let_in(client));
  EXPECT_EQ(server->refused(Refusal::kHandshake), 1U);
}

TEST_F(ForeignClient, AnIdentityOfAnotherFormIsRefused) {
  serve();
  OwnClient client(key, "mnp1|job-1|01|2|1|1");
  EXPECT_FALSE(let_in(client));
  EXPECT_EQ(server->refused(Refusal::kIdentity), 1U);
  EXPECT_TRUE(asked.empty());
}

}  // namespace
}  // namespace mnp::node
