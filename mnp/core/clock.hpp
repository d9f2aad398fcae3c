// Time: a monotonic clock for waits, another for leases, wall time for people.
#pragma once

#include <ctime>

#include <chrono>
#include <string>

namespace mnp {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC
using TimePoint = Clock::time_point;
using Milliseconds = std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// What a lease is measured by, on the side that must stop when it ends. Its times are of a type of
/// their own: they cannot be compared with a TimePoint.
class LeaseClock {
 public:
  using Time = std::chrono::time_point<LeaseClock, nanoseconds>;
  enum class Sleep {
    kLost,     // CLOCK_MONOTONIC: the nodes share a machine, which takes all of them to sleep
    kCounted,  // CLOCK_BOOTTIME: while this machine slept, others went on
  };
  explicit LeaseClock(Sleep sleep) : sleep_(sleep) {}

  Time now() const;
  clockid_t id() const { return sleep_ == Sleep::kCounted ? CLOCK_BOOTTIME : CLOCK_MONOTONIC; }

 private:
  Sleep sleep_;
};
using LeaseTime = LeaseClock::Time;

/// Seconds since 1970 with microseconds, for records and reports.
double wall_seconds();

/// "2026-01-31T14:25:01Z"
std::string iso_time(double wall);

/// Milliseconds until `when` for poll(2): never negative, rounded up, at most one hour.
int poll_timeout(TimePoint when);

}  // namespace mnp
