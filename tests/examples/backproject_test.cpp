#include "examples/tomography/backproject.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/examples/phantom_row.hpp"

namespace tomo {
namespace {

PhantomOptions one_row() {
  PhantomOptions options;
  options.size = 128, options.angles = 128, options.rows = 1;
  return options;
}
double axis(const PhantomOptions& options) {
  return static_cast<double>(options.size) / 2 + options.offset;
}

/// Root mean square of the difference inside 0.45 of the width, over the spread of `truth`.
double nrmse(const std::vector<float>& slice, const std::vector<float>& truth, size_t size) {
  double error = 0, sum = 0, squares = 0, count = 0;
  for (size_t i = 0; i < slice.size(); ++i) {
    const double x = static_cast<double>(i % size) - static_cast<double>(size) / 2;
    const double y = static_cast<double>(i / size) - static_cast<double>(size) / 2;
    if (std::hypot(x, y) > 0.45 * static_cast<double>(size)) continue;
    error += std::pow(slice[i] - truth[i], 2);
    sum += truth[i], squares += std::pow(truth[i], 2), count += 1;
  }
  return std::sqrt(error / count) / std::sqrt(squares / count - std::pow(sum / count, 2));
}

// The edges of the skull, sharper than any detector sees them, make most of what is left.
TEST(Backproject, ReconstructsTheHead) {
  const PhantomOptions options = one_row();
  const Sinogram row = filtered_phantom_row(options);
  const auto truth = phantom_slice(options, 0);
  const double error = nrmse(backproject(row, axis(options), 128), truth, 128);
  EXPECT_LT(error, 0.35);
  EXPECT_GT(nrmse(backproject(row, axis(options) + 2, 128), truth, 128), 1.5 * error);
}

TEST(Backproject, InsideOfTheHeadHasItsTrueValue) {
  const PhantomOptions options = one_row();
  const auto slice = backproject(filtered_phantom_row(options), axis(options), 128);
  const auto truth = phantom_slice(options, 0);
  double sum = 0, expected = 0;
  for (size_t iy = 60; iy < 68; ++iy)
    for (size_t ix = 60; ix < 68; ++ix)
      sum += slice[iy * 128 + ix], expected += truth[iy * 128 + ix];
  EXPECT_NEAR(sum / expected, 1, 0.05);
}

TEST(Backproject, PartsAddUpToTheWhole) {
  const Sinogram row = filtered_phantom_row(one_row());
  const auto whole = backproject(row, 66.3, 128);
  std::vector<float> sum(whole.size());
  for (const auto& [from, to] : {std::pair(0, 50), std::pair(50, 128)}) {
    Sinogram part{row.columns, {row.degrees.begin() + from, row.degrees.begin() + to}, {}};
    part.values.assign(row.values.begin() + from * 128, row.values.begin() + to * 128);
    const auto slice = backproject(part, 66.3, 128);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += slice[i];
  }
  for (size_t i = 0; i < sum.size(); ++i) ASSERT_NEAR(sum[i], whole[i], 1e-6);
}

TEST(Backproject, InterpolatesBetweenColumnsAndIsZeroOutside) {
  const Sinogram row{4, {0}, {1, 2, 4, 8}};  // at 0 degrees column u = ix - 2 + center
  const auto slice = backproject(row, 3.5, 1);
  const float pi = 3.14159265f;
  for (size_t iy = 0; iy < 4; ++iy) {
    EXPECT_FLOAT_EQ(slice[iy * 4 + 0], 3 * pi);  // u = 1.5
    EXPECT_FLOAT_EQ(slice[iy * 4 + 1], 6 * pi);
    EXPECT_EQ(slice[iy * 4 + 2], 0);  // u = 3.5
  }
  EXPECT_FLOAT_EQ(backproject(row, 3, 1)[2], 8 * pi);  // the last column itself
}

TEST(Backproject, StepTakesEveryNthPixel) {
  const Sinogram row = filtered_phantom_row(one_row());
  const auto all = backproject(row, 66, 128), few = backproject(row, 66, 128, 3);
  ASSERT_EQ(few.size(), 43u * 43u);
  for (size_t i = 0; i < few.size(); ++i)
    ASSERT_NEAR(few[i], all[i / 43 * 3 * 128 + i % 43 * 3], 1e-6);
}

}  // namespace
}  // namespace tomo
