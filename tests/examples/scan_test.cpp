#include "examples/tomography/scan.hpp"

#include <gtest/gtest.h>

#include "mnp/model/npy.hpp"

namespace tomo {
namespace {

using mnp::model::NpyArray;
using mnp::model::write_npy;

class Scan : public testing::Test {
 protected:
  Scan() : folder_(std::move(*mnp::TemporaryFolder::create("scan-"))) {
    write("projections.npy", {{3, 1, 2}, {1, 2, 3, 4, 5, 6}});
    write("flats.npy", {{2, 1, 2}, {10, 20, 30, 60}});
    write("darks.npy", {{1, 1, 2}, {1, 2}});
    write("angles_deg.npy", {{3}, {0, 60, 120}});
  }
  void write(const std::string& name, const NpyArray<float>& array) {
    ASSERT_TRUE(write_npy(folder_.path() / name, array));
  }
  ScanSource source() const { return {folder_.path(), {}}; }
  mnp::TemporaryFolder folder_;
};

TEST_F(Scan, BlockHasItsAnglesAndTheMeanImages) {
  const auto block = read_raw_block(source(), 1, 2);
  ASSERT_TRUE(block) << block.error().text;
  EXPECT_EQ(block->counts, (std::vector<float>{3, 4, 5, 6}));
  EXPECT_EQ(block->degrees, (std::vector<float>{60, 120}));
  EXPECT_EQ(block->flat, (std::vector<float>{20, 40}));
  EXPECT_EQ(block->dark, (std::vector<float>{1, 2}));
}

TEST_F(Scan, RefusesFilesThatDoNotFit) {
  EXPECT_FALSE(read_raw_block(source(), 2, 2));
  write("angles_deg.npy", {{2}, {0, 60}});
  EXPECT_FALSE(read_raw_block(source(), 0, 1));
  write("angles_deg.npy", {{3}, {0, 60, 120}});
  write("flats.npy", {{1, 2, 1}, {10, 20}});
  EXPECT_FALSE(read_raw_block(source(), 0, 1));
}

TEST(PhantomScan, BlocksOfAnyCutAreThoseOfTheWhole) {
  ScanSource source;
  source.phantom.size = 32, source.phantom.angles = 10, source.phantom.rows = 2;
  const auto whole = read_raw_block(source, 0, 10), part = read_raw_block(source, 4, 3);
  ASSERT_TRUE(whole && part);
  EXPECT_EQ(part->counts,
            std::vector<float>(whole->counts.begin() + 4 * 64, whole->counts.begin() + 7 * 64));
  EXPECT_EQ(part->flat, whole->flat);
  EXPECT_FLOAT_EQ(part->degrees[0], 72);
}

}  // namespace
}  // namespace tomo
