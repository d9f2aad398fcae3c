// Where children join main: a TLS listener that lets nobody in without the job's key.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mnp/node/channel.hpp"
#include "mnp/node/join_key.hpp"
#include "mnp/node/peer_identity.hpp"

namespace mnp::node {

struct ServerLimits {
  size_t max_joining = 256;      // connections that have not proved the key yet
  Milliseconds handshake{5000};  // deadline of each
  /// With max_joining reached, the oldest gives way to a new one after this time: idle connections
  /// cannot keep nodes out.
  Milliseconds least_stay{250};
  size_t handshake_bytes = 16 * 1024;  // taken from a peer before it has proved the key
  double joins_per_second = 500;       // beyond the burst, connections wait in the kernel
  double join_burst = 2000;            // a thousand nodes, each twice
};

/// Why a connection was refused before it was let in.
enum class Refusal : uint8_t {
  kHandshake,    // garbage, another protocol version, no key
  kIdentity,     // the identity is not of our form
  kKey,          // an unknown identity or a wrong key
  kTooSlow,      // the handshake deadline
  kTooLong,      // too many bytes before the proof
  kClosed,       // the peer went away in the handshake
  kCrowded,      // gave way to newer ones
  kDescriptors,  // no file descriptor is left
};
inline constexpr size_t kRefusals = 8;
std::string_view to_text(Refusal why);

/// Lives in one loop and its thread.
class ChannelServer {
 public:
  struct Callbacks {
    /// The key of a well-formed identity; nullopt: not one of ours. Must not destroy the server.
    std::function<std::optional<JoinKey>(const PeerIdentity&)> find_key;
    /// `channel->start` is to be called before it returns, or soon after.
    std::function<void(const PeerIdentity&, std::unique_ptr<Channel>)> on_joined;
  };

  /// Listens on a numeric address; port 0 takes a free one.
  static Result<std::unique_ptr<ChannelServer>> listen(Loop& loop, const std::string& address,
                                                       uint16_t port, Callbacks callbacks,
                                                       ServerLimits limits = {});
  ~ChannelServer();
  uint16_t port() const;
  /// How often a peer was refused for this reason.
  uint64_t refused(Refusal why) const;
  /// Connections that have not proved the key yet.
  size_t joining() const;

 private:
  struct State;
  explicit ChannelServer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace mnp::node
