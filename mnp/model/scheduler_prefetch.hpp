// How many commands a node may hold beyond its slots, so that it never waits for the next deal.
#pragma once

#include <cstdint>

#include "mnp/core/clock.hpp"

namespace mnp::model {

inline constexpr uint32_t kMaxPrefetch = 1024;  // commands a node holds beyond its slots

/// How fast one node finishes, measured from what it reports.
class Pace {
 public:
  void finished() { ++finished_; }    // a command has ran
  void took(double seconds);          // ... and its record says for how long
  void sample(TimePoint now);         // from time to time
  void restart() { *this = Pace(); }  // another incarnation
  /// Mean seconds of a command in one of `slots` slots; 0 while nothing is known. The lower of two
  /// measures: the rate of finishing (known early, but it holds the time a slot waited for a deal)
  /// and the times in the records (exact, but known when they are kept).
  double command_seconds(uint32_t slots) const;

 private:
  TimePoint since_{};
  uint32_t finished_ = 0;  // since then
  float rate_ = 0;         // a second
  float seconds_ = 0;      // in the records
};

/// How unequal the commands of a stage are: mean square over squared mean of their durations, 1
/// when all take the same time. Recent commands weigh more; large while few are known.
class Spread {
 public:
  void took(double seconds);
  double value() const;

 private:
  double count_ = 0, mean_ = 0, square_ = 0;
};

/// Guided self-scheduling (Polychronopoulos and Kuck, 1987) with a bound by time: a node holds at
/// most half of its share of what is waiting, less when durations are unequal (as in factoring,
/// Hummel et al., 1992), and at most 20 ms of work per slot, which hides the way to main and back
/// (up to 200 ms when commands are so short that messages must be few). Nothing when commands take
/// 100 ms or longer: a late deal costs them little, a place behind a long one costs much.
/// `share`: what is waiting, times this node's part of all slots.
uint32_t prefetch(double command_seconds, uint32_t slots, double share, double spread);

}  // namespace mnp::model
