// Bells: asks the agent to wake the rank of another node, which may be looking at its agent alone.
#pragma once

#include <map>

#include "comms/agent_link.hpp"
#include "comms/transport.hpp"
#include "comms/world.hpp"

namespace mnp::comms {

class Ringer {
 public:
  /// A rank is rung once in this time: whoever was rung looks for longer (Idle::kAlert).
  static constexpr Milliseconds kQuiet{5};
  /// A message that has not been taken for so long is rung for again: a bell may overtake it.
  static constexpr Milliseconds kAgain{100};

  Ringer(const Transport& transport, const World& world, AgentLink& agent)
      : transport_(transport), world_(world), agent_(agent) {}

  /// A message to `rank` is under way.
  void ring(Rank rank, TimePoint now);
  /// To be called in every turn.
  void ring_again(TimePoint now);

 private:
  const Transport& transport_;
  const World& world_;
  AgentLink& agent_;
  std::map<Rank, TimePoint> rung_;
  TimePoint next_look_{};
};

}  // namespace mnp::comms
