// The joining side: one try to connect to main and to prove the key. The caller tries again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "mnp/node/channel.hpp"
#include "mnp/node/join_key.hpp"
#include "mnp/node/peer_identity.hpp"

namespace mnp::node {

/// A try under way; destroying it gives up and calls nothing.
class ConnectAttempt {
 public:
  ~ConnectAttempt();
  ConnectAttempt(const ConnectAttempt&) = delete;
  ConnectAttempt& operator=(const ConnectAttempt&) = delete;

 private:
  struct State;
  friend std::unique_ptr<ConnectAttempt> connect_channel(
      Loop& loop, const struct ConnectTarget& target, const PeerIdentity& identity,
      const JoinKey& key, TimePoint deadline,
      std::function<void(Result<std::unique_ptr<Channel>>)> done);
  explicit ConnectAttempt(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

struct ConnectTarget {
  std::string host;  // numeric address
  uint16_t port = 0;
  std::string local = {};  // numeric address to connect from; empty: the system chooses
};

/// Calls `done` once, from the loop, never from here: kDenied when main does not know the key or
/// does not prove it, kIo when it cannot be reached, kClosed when it closed before the proof,
/// kTimeout at `deadline`, kConfig when an address is not numeric. `done` may destroy the attempt.
[[nodiscard]] std::unique_ptr<ConnectAttempt> connect_channel(
    Loop& loop, const ConnectTarget& target, const PeerIdentity& identity, const JoinKey& key,
    TimePoint deadline, std::function<void(Result<std::unique_ptr<Channel>>)> done);

}  // namespace mnp::node
