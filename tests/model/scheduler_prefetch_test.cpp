#include "mnp/model/scheduler_prefetch.hpp"

#include <gtest/gtest.h>

namespace mnp::model {
namespace {

constexpr double kPlenty = 1e9;

TEST(Prefetch, NothingForSlowOrUnknownCommands) {
  EXPECT_EQ(prefetch(0, 8, kPlenty, 1), 0u);
  EXPECT_EQ(prefetch(0.1, 8, kPlenty, 1), 0u);
  EXPECT_EQ(prefetch(5, 8, kPlenty, 1), 0u);
}

TEST(Prefetch, HundredsForCommandsOfHalfAMillisecond) {
  const uint32_t extra = prefetch(2 / 3500.0, 2, kPlenty, 1);  // /bin/true on two slots
  EXPECT_GE(extra, 200u);
  EXPECT_LE(extra, kMaxPrefetch);
}

TEST(Prefetch, AtMostTwoHundredMillisecondsOfWork) {
  for (const double seconds : {0.0005, 0.001, 0.003, 0.01, 0.03, 0.049})
    EXPECT_LE(prefetch(seconds, 1, kPlenty, 1) * seconds, 0.2001) << seconds;
}

TEST(Prefetch, ShrinksToNothingWithWhatIsLeftAndWithTheSpread) {
  EXPECT_EQ(prefetch(0.0005, 2, 100, 1), 50u);
  EXPECT_EQ(prefetch(0.0005, 2, 100, 5), 10u);
  EXPECT_EQ(prefetch(0.0005, 2, 1, 1), 0u);
}

TEST(Pace, IsTheRateOverItsTime) {
  Pace pace;
  TimePoint now = TimePoint() + std::chrono::hours(1);
  EXPECT_EQ(pace.command_seconds(4), 0);
  for (int round = 0; round < 20; ++round) {
    pace.sample(now);
    for (int i = 0; i < 100; ++i) pace.finished();
    now += std::chrono::milliseconds(50);  // 2,000 a second
  }
  EXPECT_NEAR(pace.command_seconds(4), 0.002, 0.0002);
  now += std::chrono::seconds(20);  // and now one every ten seconds
  pace.finished();
  pace.finished();
  pace.sample(now);
  EXPECT_GT(pace.command_seconds(4), 0.2);
}

TEST(Pace, TakesTheRecordsWhenTheyAreFaster) {
  Pace pace;
  TimePoint now = TimePoint() + std::chrono::hours(1);
  pace.sample(now);
  pace.finished();
  pace.sample(now + std::chrono::seconds(1));
  EXPECT_NEAR(pace.command_seconds(1), 1, 0.01);
  pace.took(0.001);
  EXPECT_NEAR(pace.command_seconds(1), 0.001, 1e-6);
  pace.restart();
  EXPECT_EQ(pace.command_seconds(1), 0);
}

TEST(Spread, IsOneForEqualAndLargeForUnequalDurations) {
  Spread equal;
  EXPECT_GT(equal.value(), 4) << "nothing is known";
  for (int i = 0; i < 1000; ++i) equal.took(0.3);
  EXPECT_NEAR(equal.value(), 1, 1e-6);
  Spread unequal;
  for (int i = 0; i < 1000; ++i) unequal.took(i % 10 == 0 ? 1 : 0.01);
  EXPECT_GT(unequal.value(), 5);
}

}  // namespace
}  // namespace mnp::model
