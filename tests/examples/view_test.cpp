#include "examples/tomography/view.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace tomo {
namespace {

TEST(GreyLevels, WindowIsThatOfTheCircle) {
  std::vector<float> slice(100);
  for (size_t i = 0; i < slice.size(); ++i) slice[i] = static_cast<float>(i % 10);
  slice[0] = 1000, slice[99] = std::nanf("");  // corners
  const auto pixels = grey_levels(slice, 10, 0, 100);
  EXPECT_EQ(pixels[50], 0);
  EXPECT_EQ(pixels[59], 255);
  EXPECT_NEAR(pixels[54], 255 * 4 / 9, 1);
  EXPECT_EQ(pixels[0], 255);
  EXPECT_EQ(pixels[99], 0);
}

TEST(GreyLevels, ConstantSliceIsNoDivisionByZero) {
  const std::vector<float> slice(16, 3.0f);
  EXPECT_EQ(grey_levels(slice, 4, 1, 99), std::vector<uint8_t>(16, 0));
}

TEST(WritePng, IsAPngOfItsSize) {
  const auto folder = mnp::TemporaryFolder::create("png-");
  ASSERT_TRUE(folder);
  ASSERT_TRUE(write_png(folder->path() / "a.png", std::vector<uint8_t>(30 * 30, 7), 30));
  const auto bytes = mnp::read_file(folder->path() / "a.png");
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->substr(0, 4), "\x89PNG");
  EXPECT_EQ(bytes->substr(16, 8), std::string("\0\0\0\x1e\0\0\0\x1e", 8));  // width, height
  EXPECT_FALSE(write_png("/proc/none/a.png", std::vector<uint8_t>(4), 2));
}

}  // namespace
}  // namespace tomo
