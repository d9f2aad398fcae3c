// One rank from MPI_Init to its end: the loop between its agent and the other ranks.
#pragma once

#include "comms/broadcast.hpp"
#include "comms/carrier.hpp"
#include "comms/idle.hpp"
#include "comms/rank_environment.hpp"
#include "comms/reduce.hpp"
#include "comms/wiring.hpp"

namespace mnp::comms {

/// Runs the rank until something ends it, and says what. kClosed: the agent is gone, so the epoch
/// is over. MPI is never finished, which would wait for ranks that have died: the process must end
/// with _exit.
Error run_rank(const RankEnvironment& environment);

class Session {
 public:
  /// What is broadcast arrives below `files`.
  Session(Transport& transport, const World& world, AgentLink& agent, const fs::path& files);
  /// Returns what ends the rank.
  Error run();

 private:
  static constexpr size_t kFramesATurn = 64;

  Status turn();
  Result<bool> step(TimePoint now);
  Result<bool> read_agent(TimePoint now);
  Status take(const Frame& frame, TimePoint now);
  bool reads_agent() const { return !carrier_.full(); }
  bool expecting() const;
  Status rest(bool moved, TimePoint now);

  AgentLink& agent_;
  Transport& transport_;
  Ringer ringer_;
  Pulse pulse_;
  Wiring wiring_;
  Carrier carrier_;
  Broadcast broadcast_;
  Reduce reduce_;
  Idle idle_;
};

}  // namespace mnp::comms
