#include "examples/tomography/normalize.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace tomo {
namespace {

TEST(Normalize, TakesTheLogarithmOfTheTransmission) {
  const RawBlock raw{1, 1, 2, {0.5f}, {60, 110}, {110, 210}, {10, 10}};
  size_t clipped = 9;
  const Block block = normalize(raw, 7, &clipped);
  EXPECT_EQ(block.first, 7u);
  EXPECT_EQ(block.degrees, std::vector<float>{0.5f});
  EXPECT_FLOAT_EQ(block.projections[0], std::log(2.0f));
  EXPECT_FLOAT_EQ(block.projections[1], std::log(2.0f));
  EXPECT_EQ(clipped, 0u);
}

TEST(Normalize, ClipsWhatHasNoLogarithm) {
  const float nan = std::nanf("");
  const RawBlock raw{
      1, 1, 5, {0}, {10, 5, 50, nan, 60}, {110, 110, 10, 110, 110}, {10, 10, 10, 10, 10}};
  size_t clipped = 0;
  const Block block = normalize(raw, 0, &clipped);
  EXPECT_EQ(clipped, 4u);  // dark, below dark, no light, not a number
  for (size_t i = 0; i < 4; ++i)
    EXPECT_FLOAT_EQ(block.projections[i], -std::log(kLeastTransmission)) << i;
  EXPECT_FLOAT_EQ(block.projections[4], std::log(2.0f));
}

}  // namespace
}  // namespace tomo
