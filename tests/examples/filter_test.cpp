#include "examples/tomography/filter.hpp"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

namespace tomo {
namespace {

double ramp(ptrdiff_t n) {
  if (n == 0) return 0.25;
  return n % 2 == 0 ? 0 : -1 / (std::numbers::pi * std::numbers::pi * static_cast<double>(n * n));
}

// 640 is padded to 2048; 64 to exactly twice its length.
TEST(RampFilter, IsTheLinearConvolution) {
  for (const size_t columns : {64, 100, 640}) {
    std::vector<float> line(columns);
    for (size_t i = 0; i < columns; ++i) line[i] = static_cast<float>(1 + std::sin(0.37 * i * i));
    std::vector<double> expected(columns);
    for (size_t i = 0; i < columns; ++i)
      for (size_t j = 0; j < columns; ++j)
        expected[i] += line[j] * ramp(static_cast<ptrdiff_t>(i) - static_cast<ptrdiff_t>(j));
    RampFilter(columns).apply(line);
    for (size_t i = 0; i < columns; ++i) ASSERT_NEAR(line[i], expected[i], 1e-6) << columns;
  }
}

TEST(RampFilter, LinesDoNotInfluenceEachOther) {
  RampFilter filter(32);
  std::vector<float> one(32, 1.0f), other(32, 100.0f), again(32, 1.0f);
  filter.apply(one);
  filter.apply(other);
  filter.apply(again);
  EXPECT_EQ(one, again);
}

TEST(RingProfile, FindsTheBadColumnAndLeavesTheObject) {
  std::vector<float> mean(100);
  for (size_t i = 0; i < mean.size(); ++i)
    mean[i] = static_cast<float>(0.1 * static_cast<double>(i));
  mean[40] += 3;
  const std::vector<float> profile = ring_profile(mean, 9);
  EXPECT_NEAR(profile[40], 2.9, 0.11);
  for (size_t i = 0; i < mean.size(); ++i) EXPECT_NEAR(i == 40 ? 0 : profile[i], 0, 0.11) << i;
}

}  // namespace
}  // namespace tomo
