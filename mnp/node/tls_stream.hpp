// TLS 1.3 on a non-blocking socket, with an external key (PSK) and (EC)DHE only. No certificates,
// no tickets, no early data (RFC 8446, sections 2.2 and 4.2.11). OpenSSL is behind this file.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mnp/core/fd.hpp"
#include "mnp/node/join_key.hpp"
#include "mnp/node/peer_identity.hpp"

namespace mnp::node {

/// One connection. Used by one thread at a time.
class TlsStream {
 public:
  using FindKey = std::function<std::optional<JoinKey>(const PeerIdentity&)>;
  /// How far a server got with the peer's identity.
  enum class Claim { kNone, kMalformed, kUnknown, kFound };

  /// Takes at most `handshake_bytes` from the peer before it has proved the key.
  static Result<std::unique_ptr<TlsStream>> server(Fd fd, FindKey find_key, size_t handshake_bytes);
  static Result<std::unique_ptr<TlsStream>> client(Fd fd, const PeerIdentity& identity,
                                                   const JoinKey& key);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  /// True when both sides have proved the key; false: wait for the socket (`wants_write`).
  /// kDenied, kClosed, kIo, or kProtocol for more than handshake_bytes.
  Result<bool> handshake();
  /// Bytes read, 0: not now. kClosed when the peer said the end or is gone; kProtocol, kIo.
  Result<size_t> read(char* to, size_t size);
  /// Bytes taken, 0: not now; then the same bytes have to come first in the next call.
  Result<size_t> write(std::string_view bytes);
  /// Says the end to the peer and that nothing follows; false: not now.
  bool say_end();

  int fd() const;
  /// Whether the last "not now" waits for the socket to take bytes.
  bool wants_write() const;
  Claim claim() const;
  /// Server, once the claim is kFound: who it is; proved when the handshake is done.
  const PeerIdentity& identity() const;

  struct State;  // shared with OpenSSL's callbacks

 private:
  explicit TlsStream(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mnp::node
