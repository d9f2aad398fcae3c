#include "examples/tomography/center.hpp"

#include <gtest/gtest.h>

#include "tests/examples/phantom_row.hpp"

namespace tomo {
namespace {

TEST(FindCenter, FindsTheAxisOfThePhantom) {
  PhantomOptions options;
  options.size = 128, options.angles = 90, options.rows = 1;
  for (const double offset : {-7.6, 0.0, 3.25}) {
    options.offset = offset;
    const auto center = find_center(filtered_phantom_row(options));
    ASSERT_TRUE(center) << center.error().text;
    EXPECT_NEAR(*center, 64 + offset, 0.3);
  }
}

TEST(FindCenter, SaysSoWhenTheAxisIsOutOfReach) {
  PhantomOptions options;
  options.size = 128, options.angles = 90, options.rows = 1, options.offset = 20;
  const auto center = find_center(filtered_phantom_row(options), 0.05);
  ASSERT_FALSE(center);
  EXPECT_NE(center.error().text.find("no sharpest slice between columns"), std::string::npos);
}

TEST(FindCenter, RefusesAnEmptySlice) {
  const Sinogram nothing{64, {0, 90}, std::vector<float>(128)};
  EXPECT_FALSE(find_center(nothing));
}

TEST(CenterJson, RoundTripAndRefusals) {
  EXPECT_DOUBLE_EQ(*center_from_json(center_to_json(296.034)), 296.034);
  EXPECT_DOUBLE_EQ(*center_from_json("{\"center\": 296}"), 296);
  for (const char* text : {"", "296", "{}", "{\"center\": \"296\"}", "{\"center\": 296"})
    EXPECT_FALSE(center_from_json(text)) << text;
}

}  // namespace
}  // namespace tomo
