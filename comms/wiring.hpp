// What every part of a rank speaks through. One thread (the pulse has its own); the parts outlive
// none of these.
#pragma once

#include "comms/agent_link.hpp"
#include "comms/pulse.hpp"
#include "comms/ringer.hpp"
#include "comms/transport.hpp"
#include "comms/world.hpp"

namespace mnp::comms {

struct Wiring {
  Transport& transport;
  const World& world;
  AgentLink& agent;
  Ringer& ringer;
  Pulse& pulse;

  /// Sends, and rings the receiver, which may be idle.
  void send_and_ring(Rank to, Channel channel, Bytes bytes) const {
    transport.send(to, channel, std::move(bytes));
    ringer.ring(to, Clock::now());
  }
  /// What `work` returns, which may wait for files.
  template <class Work>
  auto with_files(Work work) const {
    const Pulse::Files waits(pulse);
    return work();
  }
};

}  // namespace mnp::comms
