#include "examples/tomography/phantom.hpp"

#include <cmath>
#include <numbers>
#include <numeric>

#include <gtest/gtest.h>

namespace tomo {
namespace {

PhantomOptions small() {
  PhantomOptions options;
  options.size = 64, options.angles = 30, options.rows = 3;
  return options;
}

// Every ray's integral adds up to the same mass from whatever side one looks, and to the slice's.
TEST(Phantom, MassIsTheSameAtEveryAngleAndInTheSlice) {
  PhantomOptions options = small();
  options.size = 512, options.rows = 1, options.offset = 0;
  const auto mass = [](const std::vector<float>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0);
  };
  const double expected = mass(phantom_slice(options, 0));
  for (const size_t angle : {0, 7, 15, 29})
    EXPECT_NEAR(mass(phantom_line_integrals(options, angle, 0)) / expected, 1, 0.01) << angle;
}

TEST(Phantom, PartsOfAScanAgreeAndSeedsDiffer) {
  PhantomOptions options = small();
  const auto once = phantom_projection(options, 11);
  EXPECT_EQ(phantom_projection(options, 11), once);
  EXPECT_NE(phantom_projection(options, 12), once);
  options.seed = 2;
  EXPECT_NE(phantom_projection(options, 11), once);
}

TEST(Phantom, NoiseIsThatOfCountedPhotons) {
  PhantomOptions options = small();
  options.size = 512, options.rows = 8;
  const auto noisy = phantom_flat(options, 0);
  options.noise = false;
  const auto clean = phantom_flat(options, 0);
  double sum = 0, squares = 0;
  for (size_t i = 0; i < noisy.size(); ++i) {
    const double z = (noisy[i] - clean[i]) / std::sqrt(clean[i]);
    sum += z, squares += z * z;
  }
  const double n = static_cast<double>(noisy.size());
  EXPECT_NEAR(sum / n, 0, 0.08);  // five standard errors
  EXPECT_NEAR(squares / n, 1, 0.11);
}

// A shadow's centre of mass is the shadow of the slice's, at u = x cos t - y sin t + axis.
// The slice's pixels, whole or absent, place it to about 0.1 column.
TEST(Phantom, CenterOfMassTurnsAboutTheAxis) {
  PhantomOptions options = small();
  options.size = 1024, options.rows = 1;
  const double half = 512;
  const auto slice = phantom_slice(options, 0);
  double x = 0, y = 0, mass = 0;
  for (size_t i = 0; i < slice.size(); ++i) {
    x += (static_cast<double>(i % options.size) - half) * slice[i];
    y += (static_cast<double>(i / options.size) - half) * slice[i];
    mass += slice[i];
  }
  for (size_t angle = 0; angle < options.angles; ++angle) {
    const auto line = phantom_line_integrals(options, angle, 0);
    double u = 0;
    for (size_t i = 0; i < line.size(); ++i) u += static_cast<double>(i) * line[i];
    const double t = phantom_degrees(options, angle) * std::numbers::pi / 180;
    EXPECT_NEAR(u / std::accumulate(line.begin(), line.end(), 0.0),
                (x * std::cos(t) - y * std::sin(t)) / mass + half + options.offset, 0.2)
        << angle;
  }
}

}  // namespace
}  // namespace tomo
