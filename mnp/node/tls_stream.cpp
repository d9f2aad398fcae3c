#include "mnp/node/tls_stream.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace mnp::node {
namespace {

constexpr unsigned char kCipherId[] = {0x13, 0x01};  // TLS_AES_128_GCM_SHA256
constexpr char kCipherName[] = "TLS_AES_128_GCM_SHA256";
constexpr char kGroups[] = "X25519:P-256";

struct FreeSession {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using Session = std::unique_ptr<SSL_SESSION, FreeSession>;
struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

}  // namespace

struct TlsStream::State {
  Fd fd;
  std::unique_ptr<SSL, FreeSsl> ssl;
  FindKey find_key;  // server
  PeerIdentity identity;
  std::string identity_text;  // client
  Session session;            // client: the key
  Claim claim = Claim::kNone;
  bool proved = false;
  bool wants_write = false;
  bool end_of_file = false;
  bool too_long = false;
  int socket_error = 0;
  size_t received = 0;
  size_t handshake_bytes = SIZE_MAX;
};

namespace {

using State = TlsStream::State;

// The socket below OpenSSL: no SIGPIPE, and a count of what strangers send.

int bio_write(BIO* bio, const char* bytes, int size) {
  auto* state = static_cast<State*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const ssize_t n =
      ::send(state->fd.get(), bytes, static_cast<size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n >= 0) return static_cast<int>(n);
  if (errno == EAGAIN || errno == EINTR)
    BIO_set_retry_write(bio);
  else
    state->socket_error = errno;
  return -1;
}

int bio_read(BIO* bio, char* to, int size) {
  auto* state = static_cast<State*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  auto room = static_cast<size_t>(size);
  if (!state->proved) {
    room = std::min(room, state->handshake_bytes - state->received);
    state->too_long = room == 0;
    if (state->too_long) return -1;
  }
  const ssize_t n = ::recv(state->fd.get(), to, room, MSG_DONTWAIT);
  if (n > 0) {
    if (!state->proved) state->received += static_cast<size_t>(n);
    return static_cast<int>(n);
  }
  if (n == 0)
    state->end_of_file = true;
  else if (errno == EAGAIN || errno == EINTR)
    BIO_set_retry_read(bio);
  else
    state->socket_error = errno;
  return n == 0 ? 0 : -1;
}

long bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* socket_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "mnp socket");
    MNP_ASSERT(made != nullptr, "OpenSSL: BIO_meth_new");
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

/// The key as OpenSSL takes it: a session that never was.
Session make_session(SSL* ssl, const JoinKey& key) {
  const SSL_CIPHER* cipher = SSL_CIPHER_find(ssl, kCipherId);
  Session session(SSL_SESSION_new());
  if (cipher == nullptr || !session ||
      SSL_SESSION_set1_master_key(session.get(), key.bytes().data(), JoinKey::kBytes) != 1 ||
      SSL_SESSION_set_cipher(session.get(), cipher) != 1 ||
      SSL_SESSION_set_protocol_version(session.get(), TLS1_3_VERSION) != 1)
    return nullptr;
  return session;
}

/// OpenSSL, server: the key of this identity? 0 ends the handshake, as nothing but a key will do.
int find_session(SSL* ssl, const unsigned char* identity, size_t size, SSL_SESSION** found) {
  auto* state = static_cast<State*>(SSL_get_app_data(ssl));
  *found = nullptr;
  auto parsed = parse_identity({reinterpret_cast<const char*>(identity), size});
  if (!parsed) {
    state->claim = TlsStream::Claim::kMalformed;
    return 0;
  }
  const std::optional<JoinKey> key = state->find_key(*parsed);
  if (!key) {
    state->claim = TlsStream::Claim::kUnknown;
    return 0;
  }
  Session session = make_session(ssl, *key);
  if (!session) return 0;
  state->claim = TlsStream::Claim::kFound;
  state->identity = std::move(*parsed);
  *found = session.release();
  return 1;
}

/// OpenSSL, client: which key? Asked again after a HelloRetryRequest.
int use_session(SSL* ssl, const EVP_MD* digest, const unsigned char** identity, size_t* size,
                SSL_SESSION** session) {
  auto* state = static_cast<State*>(SSL_get_app_data(ssl));
  if (digest != nullptr && !EVP_MD_is_a(digest, "SHA256")) return 0;
  SSL_SESSION_up_ref(state->session.get());  // OpenSSL takes one reference
  *session = state->session.get();
  *identity = reinterpret_cast<const unsigned char*>(state->identity_text.data());
  *size = state->identity_text.size();
  return 1;
}

SSL_CTX* make_context(const SSL_METHOD* method) {
  SSL_CTX* context = SSL_CTX_new(method);
  MNP_ASSERT(context != nullptr, "OpenSSL: SSL_CTX_new");
  const bool good = SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
                    SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
                    SSL_CTX_set_ciphersuites(context, kCipherName) == 1 &&
                    SSL_CTX_set1_groups_list(context, kGroups) == 1 &&
                    SSL_CTX_set_num_tickets(context, 0) == 1 &&
                    SSL_CTX_set_max_early_data(context, 0) == 1;
  MNP_ASSERT(good, "OpenSSL refuses TLS 1.3 as we need it");
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Without it a key is never used but together with (EC)DHE.
  SSL_CTX_clear_options(context, SSL_OP_ALLOW_NO_DHE_KEX);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  return context;
}

SSL_CTX* server_context() {
  static SSL_CTX* const context = [] {
    SSL_CTX* made = make_context(TLS_server_method());
    SSL_CTX_set_psk_find_session_callback(made, find_session);
    SSL_CTX_set_verify(made, SSL_VERIFY_NONE, nullptr);
    return made;
  }();
  return context;
}

SSL_CTX* client_context() {
  static SSL_CTX* const context = [] {
    SSL_CTX* made = make_context(TLS_client_method());
    SSL_CTX_set_psk_use_session_callback(made, use_session);
    // A server that shows a certificate instead of the key: nothing is trusted.
    SSL_CTX_set_verify(made, SSL_VERIFY_PEER, nullptr);
    return made;
  }();
  return context;
}

Status open_ssl(State& state, SSL_CTX* context) {
  state.ssl.reset(SSL_new(context));
  BIO* bio = state.ssl ? BIO_new(socket_method()) : nullptr;
  if (bio == nullptr) return fail(Code::kIo, "OpenSSL: out of memory");
  BIO_set_data(bio, &state);
  BIO_set_init(bio, 1);
  SSL_set_bio(state.ssl.get(), bio, bio);
  SSL_set_app_data(state.ssl.get(), &state);
  return {};
}

std::string ssl_reason() {
  const unsigned long code = ERR_peek_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown reason" : reason;
}

/// What an OpenSSL call that gave `result` means; nullopt: not now. `denial`: the code of what the
/// peer does wrong.
std::optional<Error> judge(State& state, int result, Code denial) {
  const int kind = SSL_get_error(state.ssl.get(), result);
  state.wants_write = kind == SSL_ERROR_WANT_WRITE;
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return std::nullopt;
  if (state.too_long) return Error{Code::kProtocol, "too many bytes before the proof of the key"};
  if (kind == SSL_ERROR_ZERO_RETURN) return Error{Code::kClosed, "the peer closed the connection"};
  if (state.socket_error == ECONNRESET || state.socket_error == EPIPE)
    return Error{Code::kClosed, "the connection was reset"};
  if (state.socket_error != 0) return Error{Code::kIo, std::strerror(state.socket_error)};
  if (state.end_of_file) return Error{Code::kClosed, "the connection was cut"};
  return Error{denial, "TLS: " + ssl_reason()};
}

}  // namespace

TlsStream::TlsStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsStream::~TlsStream() = default;

int TlsStream::fd() const {
  return state_->fd.get();
}
bool TlsStream::wants_write() const {
  return state_->wants_write;
}
TlsStream::Claim TlsStream::claim() const {
  return state_->claim;
}
const PeerIdentity& TlsStream::identity() const {
  return state_->identity;
}

Result<std::unique_ptr<TlsStream>> TlsStream::server(Fd fd, FindKey find_key,
                                                     size_t handshake_bytes) {
  auto state = std::make_unique<State>();
  state->fd = std::move(fd);
  state->find_key = std::move(find_key);
  state->handshake_bytes = handshake_bytes;
  MNP_CHECK(open_ssl(*state, server_context()));
  SSL_set_accept_state(state->ssl.get());
  return std::unique_ptr<TlsStream>(new TlsStream(std::move(state)));
}

Result<std::unique_ptr<TlsStream>> TlsStream::client(Fd fd, const PeerIdentity& identity,
                                                     const JoinKey& key) {
  auto state = std::make_unique<State>();
  state->fd = std::move(fd);
  state->identity = identity;
  state->identity_text = to_text(identity);
  if (!parse_identity(state->identity_text))
    return fail(Code::kConfig, "no proper identity: " + state->identity_text);
  MNP_CHECK(open_ssl(*state, client_context()));
  state->session = make_session(state->ssl.get(), key);
  if (!state->session) return fail(Code::kIo, "OpenSSL does not take the key");
  SSL_set_connect_state(state->ssl.get());
  return std::unique_ptr<TlsStream>(new TlsStream(std::move(state)));
}

Result<bool> TlsStream::handshake() {
  ERR_clear_error();
  SSL* ssl = state_->ssl.get();
  const int result = SSL_do_handshake(ssl);
  if (result != 1) {
    if (auto error = judge(*state_, result, Code::kDenied)) return fail(std::move(*error));
    return false;
  }
  // OpenSSL counts a handshake by key as a session used again; anything else proves nothing.
  if (SSL_session_reused(ssl) != 1 || SSL_get0_peer_certificate(ssl) != nullptr ||
      SSL_version(ssl) != TLS1_3_VERSION)
    return fail(Code::kDenied, "TLS: the handshake did not use the key");
  state_->proved = true;
  state_->wants_write = false;
  state_->session.reset();
  return true;
}

Result<size_t> TlsStream::read(char* to, size_t size) {
  ERR_clear_error();
  size_t n = 0;
  const int result = SSL_read_ex(state_->ssl.get(), to, size, &n);
  if (result == 1) return n;
  if (auto error = judge(*state_, result, Code::kProtocol)) return fail(std::move(*error));
  return size_t{0};
}

Result<size_t> TlsStream::write(std::string_view bytes) {
  ERR_clear_error();
  size_t n = 0;
  const int result = SSL_write_ex(state_->ssl.get(), bytes.data(), bytes.size(), &n);
  if (result == 1) {
    state_->wants_write = false;
    return n;
  }
  if (auto error = judge(*state_, result, Code::kProtocol)) return fail(std::move(*error));
  return size_t{0};
}

bool TlsStream::say_end() {
  ERR_clear_error();
  const int result = SSL_shutdown(state_->ssl.get());
  if (result < 0 && SSL_get_error(state_->ssl.get(), result) == SSL_ERROR_WANT_WRITE) return false;
  ::shutdown(state_->fd.get(), SHUT_WR);
  return true;
}

}  // namespace mnp::node
