#include "examples/tomography/blocks.hpp"

#include <gtest/gtest.h>

#include "mnp/model/npy.hpp"

namespace tomo {
namespace {

class Blocks : public testing::Test {
 protected:
  Blocks() : folder_(std::move(*mnp::TemporaryFolder::create("blocks-"))) {}
  const fs::path& path() const { return folder_.path(); }
  mnp::TemporaryFolder folder_;
};

TEST_F(Blocks, RowIsGatheredInTheOrderOfAngles) {
  ASSERT_TRUE(write_block(path(), {12000, 2, 1, {3}, {5, 50}}));
  ASSERT_TRUE(write_block(path(), {0, 2, 1, {1, 2}, {3, 30, 4, 40}}));
  EXPECT_EQ(*list_blocks(path()), (std::vector<size_t>{0, 12000}));
  const auto row = gather_row(path(), 1);
  ASSERT_TRUE(row) << row.error().text;
  EXPECT_EQ(row->degrees, (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(row->values, (std::vector<float>{30, 40, 50}));
  EXPECT_FALSE(gather_row(path(), 2));
}

TEST_F(Blocks, DegreesMustFitTheProjections) {
  ASSERT_TRUE(write_block(path(), {0, 1, 1, {1, 2}, {3, 4}}));
  ASSERT_TRUE(mnp::model::write_npy<float>(path() / "degrees-0000.npy", {{1}, {1.0f}}));
  EXPECT_FALSE(read_block(path(), 0));
  EXPECT_EQ(read_block(path(), 5).error().code, mnp::Code::kNotFound);
}

TEST_F(Blocks, FolderWithoutBlocksIsAnError) {
  EXPECT_EQ(list_blocks(path()).error().code, mnp::Code::kNotFound);
}

}  // namespace
}  // namespace tomo
