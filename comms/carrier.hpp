// Messages of agents: from this one to the far rank, from far ranks to this agent.
#pragma once

#include "comms/inbox.hpp"
#include "comms/wiring.hpp"
#include "mnp/model/rank_link.hpp"

namespace mnp::comms {

class Carrier {
 public:
  // Over one of these nothing more is read from the agent ...
  static constexpr size_t kMaxSending = 512;  // messages
  static constexpr size_t kMaxSendingBytes = size_t{32} << 20;
  // ... and over one of these nothing more is taken from other ranks.
  static constexpr size_t kMaxReceivingBytes = size_t{32} << 20;
  static constexpr size_t kMaxQueuedBytes = size_t{32} << 20;  // that the agent has not read

  explicit Carrier(const Wiring& wiring)
      : wiring_(wiring),
        inbox_(wiring.transport, Channel::kMessages, std::nullopt, kMaxReceivingBytes) {}

  /// Main to any other node, the others to main; kProtocol for anything else. A node that is not
  /// in this world gets nothing, with a warning: what was meant for it belongs to a later epoch.
  Status send(model::NodePayload payload);
  bool full() const;
  /// Hands on what has arrived; true when there was anything.
  bool deliver();
  bool receiving() const { return inbox_.receiving(); }

 private:
  const Wiring& wiring_;
  Inbox inbox_;
};

}  // namespace mnp::comms
