// One rank from MPI_Init to MPI_Finalize: the loop between its agent and the other ranks.
#pragma once

#include "comms/broadcast.hpp"
#include "comms/carrier.hpp"
#include "comms/farewell.hpp"
#include "comms/idle.hpp"
#include "comms/rank_environment.hpp"
#include "comms/reduce.hpp"
#include "comms/wiring.hpp"

namespace mnp::comms {

/// Runs the rank. Ok: all ranks have finished in order. kClosed: the agent is gone, so the epoch
/// is over. After an error MPI has not been finished: the process must end with _exit.
Status run_rank(const RankEnvironment& environment);

class Session {
 public:
  /// What is broadcast arrives below `files`.
  Session(Transport& transport, const World& world, AgentLink& agent, const fs::path& files);
  Status run();

 private:
  static constexpr size_t kFramesATurn = 64;
  static constexpr Milliseconds kPulse{1000};

  Result<bool> turn(TimePoint now);
  Result<bool> read_agent(TimePoint now);
  Status take(const Frame& frame, TimePoint now);
  bool reads_agent() const { return !farewell_.begun() && !carrier_.full(); }
  bool expecting() const;
  void pulse(TimePoint now);
  Status rest(bool moved, TimePoint now);

  AgentLink& agent_;
  Transport& transport_;
  Ringer ringer_;
  Wiring wiring_;
  Carrier carrier_;
  Broadcast broadcast_;
  Reduce reduce_;
  Farewell farewell_;
  Idle idle_;
  TimePoint last_pulse_{};
  bool agent_gone_ = false;
};

}  // namespace mnp::comms
