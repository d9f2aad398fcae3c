#include "comms/ringer.hpp"

#include "mnp/core/frame.hpp"

namespace mnp::comms {

void Ringer::ring(Rank rank, TimePoint now) {
  const auto [last, first] = rung_.try_emplace(rank, now);
  if (!first && now - last->second < kQuiet) return;
  last->second = now;
  agent_.send(model::RankFrame::kRing, Encoder().u32(world_.node_of(rank).value()).take());
}

void Ringer::ring_again(TimePoint now) {
  if (now < next_look_ || !transport_.sending_anything()) return;
  next_look_ = now + kAgain;
  for (const Rank rank : transport_.not_taken_since(now - kAgain)) ring(rank, now);
}

}  // namespace mnp::comms
