// How long a rank may sleep: Open MPI's own waits burn a core, so this decides between polling
// MPI with short sleeps and waiting for the agent alone.
#pragma once

#include <chrono>

#include "mnp/core/clock.hpp"

namespace mnp::comms {

using Microseconds = std::chrono::microseconds;

class Idle {
 public:
  static constexpr Microseconds kShortest{50};
  static constexpr Microseconds kLongest{1000};    // between looks while something is expected
  static constexpr Milliseconds kAlert{20};        // looks on after a bell or a message
  static constexpr Milliseconds kSafetyLook{250};  // should a bell have been lost

  /// Something has moved, or a bell says that it will.
  void wake(TimePoint now) { last_news_ = now; }
  /// How long to wait for the agent before the next look at MPI. `expecting`: requests are under
  /// way or a collective runs.
  Microseconds pause(bool expecting, TimePoint now) const;

 private:
  TimePoint last_news_{};
};

/// Waits for the agent's descriptor to become readable (if `read`) or writable (if `write`), at
/// most for `pause`. False: the agent has hung up.
bool wait_for_agent(int fd, bool read, bool write, Microseconds pause);

}  // namespace mnp::comms
