// Time: a monotonic clock for waits and leases, wall time for people.
#pragma once

#include <chrono>
#include <string>

namespace mnp {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC
using TimePoint = Clock::time_point;
using Milliseconds = std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// Seconds since 1970 with microseconds, for records and reports.
double wall_seconds();

/// "2026-01-31T14:25:01Z"
std::string iso_time(double wall);

/// Milliseconds until `when` for poll(2): never negative, rounded up, at most one hour.
int poll_timeout(TimePoint when);

}  // namespace mnp
