#include "comms/idle.hpp"

#include <gtest/gtest.h>

namespace mnp::comms {
namespace {

const TimePoint kStart = TimePoint() + std::chrono::hours(1);

TEST(Idle, PausesGrowWhileNothingMoves) {
  Idle idle;
  idle.wake(kStart);
  EXPECT_EQ(idle.pause(true, kStart), Idle::kShortest);
  const auto later = idle.pause(true, kStart + Milliseconds(4));
  EXPECT_GT(later, Idle::kShortest);
  EXPECT_LT(later, Idle::kLongest);
  EXPECT_EQ(idle.pause(true, kStart + std::chrono::seconds(10)), Idle::kLongest);
}

TEST(Idle, WithNothingExpectedItSoonWaitsForTheAgentAlone) {
  Idle idle;
  idle.wake(kStart);
  EXPECT_LE(idle.pause(false, kStart + Idle::kAlert - Milliseconds(1)), Idle::kLongest);
  EXPECT_EQ(idle.pause(false, kStart + Idle::kAlert), Idle::kSafetyLook);
}

TEST(Idle, ABellMakesItLookOften) {
  Idle idle;
  EXPECT_EQ(idle.pause(false, kStart), Idle::kSafetyLook);
  idle.wake(kStart);
  EXPECT_EQ(idle.pause(false, kStart), Idle::kShortest);
}

}  // namespace
}  // namespace mnp::comms
