#include "mnp/core/clock.hpp"

#include <ctime>
#include <utility>

#include <gtest/gtest.h>

namespace mnp {
namespace {

TEST(WallSeconds, IsTheSystemsTimeInWholeMicroseconds) {
  const time_t before = std::time(nullptr);
  const double now = wall_seconds();
  EXPECT_GE(now, static_cast<double>(before));
  EXPECT_LE(now, static_cast<double>(std::time(nullptr)) + 2);  // its clock is a coarse one
}

TEST(IsoTime, IsUtcToTheSecond) {
  EXPECT_EQ(iso_time(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(iso_time(1769869501.999), "2026-01-31T14:25:01Z");
  EXPECT_EQ(iso_time(-1), "1969-12-31T23:59:59Z");
  EXPECT_EQ(iso_time(-0.5), "1969-12-31T23:59:59Z");
}

TEST(LeaseClock, CountsTheTimeAsleepOrNot) {
  const auto read = [](clockid_t id) {
    timespec now{};
    ::clock_gettime(id, &now);
    return LeaseTime(std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec));
  };
  for (const auto& [sleep, id] : {std::pair(LeaseClock::Sleep::kLost, CLOCK_MONOTONIC),
                                  std::pair(LeaseClock::Sleep::kCounted, CLOCK_BOOTTIME)}) {
    const LeaseClock clock(sleep);
    EXPECT_EQ(clock.id(), id);
    const LeaseTime before = read(id), now = clock.now();
    EXPECT_LE(before, now);
    EXPECT_LE(now, read(id));
  }
}

TEST(PollTimeout, IsZeroForThePast) {
  EXPECT_EQ(poll_timeout(Clock::now() - std::chrono::hours(1)), 0);
}

TEST(PollTimeout, RoundsUpSoThatNoWaitSpins) {
  EXPECT_GE(poll_timeout(Clock::now() + std::chrono::seconds(100)), 1);
  EXPECT_LE(poll_timeout(Clock::now() + std::chrono::seconds(100)), 100000);
  EXPECT_GT(poll_timeout(Clock::now() + std::chrono::seconds(100)), 50000);
}

TEST(PollTimeout, IsAtMostAnHour) {
  EXPECT_EQ(poll_timeout(Clock::now() + std::chrono::hours(1000)), 3600 * 1000);
  EXPECT_EQ(poll_timeout(TimePoint::max()), 3600 * 1000);
}

}  // namespace
}  // namespace mnp
