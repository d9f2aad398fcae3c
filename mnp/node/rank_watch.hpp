// Ends a rank that does not move any more: a frozen one keeps its connection, and MPI waits for it
// for ever.
#pragma once

#include <sys/types.h>

#include "mnp/core/loop.hpp"

namespace mnp::node {

/// Lives in the agent's loop, as long as the rank's connection.
class RankWatch {
 public:
  /// A rank sends a pulse each second from its own loop, which may wait for a disk now and then.
  static constexpr Milliseconds kLimit{20000};

  /// Kills `rank` once it has said nothing for `limit`; its connection then closes.
  RankWatch(Loop& loop, pid_t rank, Milliseconds limit = kLimit);
  ~RankWatch();
  RankWatch(const RankWatch&) = delete;
  RankWatch& operator=(const RankWatch&) = delete;

  void heard() { silent_ticks_ = 0; }

 private:
  void tick();

  Loop& loop_;
  const pid_t rank_;
  const Milliseconds limit_;
  Loop::TimerId timer_;
  int silent_ticks_ = 0;  // of this loop: an agent that was frozen itself blames no rank
};

}  // namespace mnp::node
