#include "comms/block_merge.hpp"

#include <gtest/gtest.h>

#include "mnp/core/files.hpp"

namespace mnp::comms {
namespace {

constexpr size_t kElements = kReduceBlockElements + 10;
const auto kKernel = reduce_kernel(model::DType::kInt32, model::ReduceOp::kSum);

std::string block(size_t count, int32_t value) {
  const std::vector<int32_t> values(count, value);
  return {reinterpret_cast<const char*>(values.data()), count * sizeof(int32_t)};
}

void run(BlockMerge& merge) {
  for (bool moved = true; moved;) {
    const auto step = merge.step();
    ASSERT_TRUE(step) << step.error().text;
    moved = *step;
  }
}

TEST(BlockMerge, WaitsForEveryoneThatContributes) {
  const auto folder = *TemporaryFolder::create("merge");
  const fs::path file = folder.path() / "own.npy";
  const std::vector<size_t> shape{kElements};
  ASSERT_TRUE(model::write_npy<int32_t>(file, shape, std::vector<int32_t>(kElements, 1)));
  LocalReduction own(NodeIndex(0), {file.string()});
  ASSERT_TRUE(own.check_some());
  BlockMerge merge(kKernel, kElements, own, {true, false, true});
  run(merge);
  EXPECT_FALSE(merge.merged());
  ASSERT_TRUE(merge.take(0, block(kReduceBlockElements, 10)));
  ASSERT_TRUE(merge.take(0, block(10, 20)));
  EXPECT_FALSE(merge.wants(0));
  run(merge);
  EXPECT_FALSE(merge.merged());
  ASSERT_TRUE(merge.take(2, block(kReduceBlockElements, 100)));
  run(merge);
  EXPECT_TRUE(merge.wants(0));
  EXPECT_TRUE(merge.merged() == block(kReduceBlockElements, 111));
  ASSERT_TRUE(merge.take(2, block(10, 200)));
  run(merge);
  EXPECT_TRUE(merge.merged() == block(10, 221));
  EXPECT_TRUE(merge.finished());
}

TEST(BlockMerge, WithoutOwnFilesChildrenAlonePass) {
  LocalReduction own(NodeIndex(0), {});
  BlockMerge merge(kKernel, 10, own, {true});
  ASSERT_TRUE(merge.take(0, block(10, -3)));
  run(merge);
  EXPECT_TRUE(merge.merged() == block(10, -3));
  EXPECT_TRUE(merge.finished());
}

TEST(BlockMerge, WrongBlocksAreRefused) {
  LocalReduction own(NodeIndex(0), {});
  BlockMerge merge(kKernel, 10, own, {true, false});
  EXPECT_FALSE(merge.take(0, block(9, 1)));
  EXPECT_FALSE(merge.take(0, block(10, 1) + "x"));
  EXPECT_FALSE(merge.take(1, block(10, 1)));
  ASSERT_TRUE(merge.take(0, block(10, 1)));
  EXPECT_FALSE(merge.take(0, block(10, 1)));
}

TEST(BlockMerge, AnEmptyArrayHasNoBlocks) {
  LocalReduction own(NodeIndex(0), {});
  EXPECT_TRUE(BlockMerge(kKernel, 0, own, {}).finished());
}

}  // namespace
}  // namespace mnp::comms
