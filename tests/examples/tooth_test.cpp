// The measured scan of a tooth (TomoPy's tooth.h5) against scikit-image's reconstruction of it.
#include <cmath>
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/examples/stages.hpp"

namespace tomo {
namespace {

fs::path tooth_folder() {
  const char* shared = std::getenv("MNP_SHARED");
  return (shared ? fs::path(shared) : fs::path(MNP_SOURCE_DIR) / "../shared") / "data/tooth";
}

class Tooth : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(tooth_folder() / kProjections))
      GTEST_SKIP() << "no measured scan in " << tooth_folder() << "; MNP_SHARED names its folder";
  }
};

/// rms(out - ref) / std(ref) inside a radius of 288 pixels.
double nrmse(const std::vector<float>& out, const float* ref, size_t size) {
  double error = 0, sum = 0, squares = 0, count = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    const double x = static_cast<double>(i % size) - static_cast<double>(size) / 2;
    const double y = static_cast<double>(i / size) - static_cast<double>(size) / 2;
    if (x * x + y * y > 288.0 * 288.0) continue;
    error += std::pow(double{out[i]} - ref[i], 2);
    sum += ref[i], squares += std::pow(double{ref[i]}, 2), count += 1;
  }
  return std::sqrt(error / count) / std::sqrt(squares / count - std::pow(sum / count, 2));
}

TEST_F(Tooth, CenterSearchAgreesWithIndependentValues) {
  Stages stages(fs::absolute(tooth_folder()));
  stages.preprocess();
  stages.process();
  stages.calibrate("");
  EXPECT_NEAR(stages.center(), 296.0, 0.75);
}

TEST_F(Tooth, SlicesAgreeWithTheReference) {
  const auto reference =
      mnp::model::read_npy<float>(tooth_folder() / "reference/fbp_ramlak_skimage_c296_rows0-1.npy");
  ASSERT_TRUE(reference) << reference.error().text;
  Stages stages(fs::absolute(tooth_folder()));
  stages.preprocess();
  stages.process();
  stages.calibrate("296");
  EXPECT_EQ(stages.center(), 296.0);
  stages.reconstruct();
  for (size_t row = 0; row < 2; ++row) {
    size_t parts = 0;
    const auto slice = stages.slice(row, &parts);
    EXPECT_EQ(parts, 12u);
    ASSERT_EQ(slice.size(), 640u * 640u);
    // A float32 implementation of the same definition is below 1e-5; any slip is above 1e-3.
    EXPECT_LT(nrmse(slice, reference->values.data() + row * slice.size(), 640), 1e-5);
  }
}

}  // namespace
}  // namespace tomo
