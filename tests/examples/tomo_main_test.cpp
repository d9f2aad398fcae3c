#include <sys/wait.h>

#include <gtest/gtest.h>

#include "examples/tomography/phantom.hpp"
#include "tests/examples/stages.hpp"

namespace tomo {
namespace {

int status_of(const std::string& arguments) {
  const int status =
      std::system((std::string(MNP_PROGRAMS) + "/tomo " + arguments + " > /dev/null 2>&1").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Tomo, PhantomGoesThroughAllStages) {
  Stages stages("");
  stages.preprocess();
  stages.process();
  stages.calibrate("");
  const PhantomOptions options;
  EXPECT_NEAR(stages.center(), 128 + options.offset, 0.25);
  stages.reconstruct();
  for (size_t row = 0; row < options.rows; ++row) {
    size_t parts = 0;
    const auto slice = stages.slice(row, &parts);
    EXPECT_EQ(parts, 12u);
    ASSERT_EQ(slice.size(), options.size * options.size);
    const auto truth = phantom_slice(options, row);
    // A point in the brain, averaged over a few pixels.
    double sum = 0, expected = 0;
    for (size_t iy = 150; iy < 160; ++iy)
      for (size_t ix = 120; ix < 136; ++ix)
        sum += slice[iy * 256 + ix], expected += truth[iy * 256 + ix];
    EXPECT_NEAR(sum / expected, 1, 0.05) << row;
  }
  ASSERT_EQ(status_of(fmt::format("view '{0}/reconstruct/0/slices/slice-0000.npy' '{0}/a.png'",
                                  stages.path().string())),
            0);
  EXPECT_TRUE(fs::exists(stages.path() / "a.png"));
}

// The phantom written as files gives what the phantom made in memory gives.
TEST(Tomo, PhantomFolderIsAScan) {
  const auto folder = mnp::TemporaryFolder::create("tomo-");
  ASSERT_TRUE(folder);
  const std::string path = folder->path().string(), options = "--size 64 --angles 20 --rows 2";
  ASSERT_EQ(status_of(fmt::format("phantom {} --out '{}/scan'", options, path)), 0);
  ASSERT_EQ(status_of(fmt::format("normalize --scan '{0}/scan' --first 5 --count 10 --out '{0}/a'",
                                  path)),
            0);
  ASSERT_EQ(status_of(fmt::format("normalize {} --scan '' --first 5 --count 10 --out '{}/b'",
                                  options, path)),
            0);
  for (const char* name : {"projections-0005.npy", "degrees-0005.npy"}) {
    const auto read = mnp::read_file(folder->path() / "a" / name);
    ASSERT_TRUE(read) << name;
    EXPECT_EQ(*read, *mnp::read_file(folder->path() / "b" / name)) << name;
  }
}

TEST(Tomo, RingsGoAwayWhenAsked) {
  const auto folder = mnp::TemporaryFolder::create("tomo-");
  ASSERT_TRUE(folder);
  const fs::path in = folder->path() / "in";
  // Nothing in the beam; one column of the detector is off by a constant.
  Block block{0, 1, 64, {}, {}};
  for (size_t angle = 0; angle < 8; ++angle) {
    block.degrees.push_back(static_cast<float>(angle));
    for (size_t i = 0; i < 64; ++i) block.projections.push_back(i == 20 ? 0.5f : 0.0f);
  }
  ASSERT_TRUE(write_block(in, block));
  const std::string common = fmt::format("filter --in '{}' --block 0", in.string());
  ASSERT_EQ(status_of(fmt::format("{} --out '{}/with'", common, folder->path().string())), 0);
  ASSERT_EQ(
      status_of(fmt::format("{} --rings 9 --out '{}/without'", common, folder->path().string())),
      0);
  EXPECT_GT(read_block(folder->path() / "with", 0)->line(3, 0)[20], 0.1f);
  EXPECT_NEAR(read_block(folder->path() / "without", 0)->line(3, 0)[20], 0, 1e-6);
}

TEST(Tomo, ExitStatusSaysWhatWasWrong) {
  EXPECT_EQ(status_of("--help"), 0);
  EXPECT_EQ(status_of(""), 2);
  EXPECT_EQ(status_of("filter --in nowhere"), 2);
  EXPECT_EQ(status_of("center --center 2x --out /dev/null"), 2);
  EXPECT_EQ(status_of("center --out /dev/null"), 2);
  EXPECT_EQ(status_of("list filter --scan /nowhere"), 20);
}

}  // namespace
}  // namespace tomo
