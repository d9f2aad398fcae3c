#include "comms/local_reduction.hpp"

#include <cstring>

#include <gtest/gtest.h>

#include "mnp/core/files.hpp"

namespace mnp::comms {
namespace {

class LocalReductionTest : public testing::Test {
 protected:
  std::string write(const std::string& name, size_t elements, int32_t base) {
    std::vector<int32_t> values(elements);
    for (size_t i = 0; i < elements; ++i) values[i] = base + static_cast<int32_t>(i);
    const fs::path path = folder_.path() / name;
    const std::vector<size_t> shape{elements};
    EXPECT_TRUE(model::write_npy<int32_t>(path, shape, values));
    return path.string();
  }
  TemporaryFolder folder_ = *TemporaryFolder::create("reduce");
};

Result<bool> checked(LocalReduction& reduction) {
  for (;;) {
    MNP_TRY(const bool done, reduction.check_some());
    if (done) return true;
  }
}

TEST_F(LocalReductionTest, SumsBlockByBlock) {
  constexpr size_t kElements = 1000, kFiles = 40, kBlock = 300;
  std::vector<std::string> files;
  for (size_t i = 0; i < kFiles; ++i)
    files.push_back(write(std::to_string(i), kElements, static_cast<int32_t>(i)));
  LocalReduction reduction(NodeIndex(1), files);
  ASSERT_TRUE(checked(reduction));
  EXPECT_EQ(reduction.shape().elements(), kElements);
  const auto kernel = reduce_kernel(model::DType::kInt32, model::ReduceOp::kSum);
  for (size_t first = 0; first < kElements; first += kBlock) {
    const size_t count = std::min(kBlock, kElements - first);
    for (bool whole = false; !whole;) {
      const auto added = reduction.add_some(kernel, first, count);
      ASSERT_TRUE(added) << added.error().text;
      whole = *added;
    }
    const std::string block = reduction.take_block();
    ASSERT_EQ(block.size(), count * sizeof(int32_t));
    for (size_t i = 0; i < count; ++i) {
      int32_t sum = 0;
      std::memcpy(&sum, block.data() + i * sizeof sum, sizeof sum);
      ASSERT_EQ(sum, static_cast<int32_t>(kFiles * (first + i) + kFiles * (kFiles - 1) / 2));
    }
  }
}

TEST_F(LocalReductionTest, NoFilesAreNoError) {
  LocalReduction reduction(NodeIndex(1), {});
  EXPECT_EQ(reduction.check_some(), true);
  EXPECT_TRUE(reduction.empty());
}

TEST_F(LocalReductionTest, AnotherShapeIsNamed) {
  LocalReduction reduction(NodeIndex(1), {write("a", 10, 0), write("b", 11, 0)});
  const auto done = checked(reduction);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().text.find("/a on node 1 holds <i4 of shape (10,)"), std::string::npos);
  EXPECT_NE(done.error().text.find("/b on node 1 holds <i4 of shape (11,)"), std::string::npos);
}

TEST_F(LocalReductionTest, AMissingFileIsNamed) {
  LocalReduction reduction(NodeIndex(1), {write("a", 10, 0), "/nowhere/b.npy"});
  const auto done = checked(reduction);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kNotFound);
  EXPECT_NE(done.error().text.find("/nowhere/b.npy"), std::string::npos);
}

TEST_F(LocalReductionTest, AFileThatTheStoreDoesNotGiveIsTheStoresFailure) {
  const std::string loop = (folder_.path() / "loop.npy").string();
  fs::create_symlink(loop, loop);  // ELOOP: neither absent nor malformed
  LocalReduction reduction(NodeIndex(1), {loop});
  const auto done = checked(reduction);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kStore);
  EXPECT_NE(done.error().text.find(loop), std::string::npos);
}

TEST_F(LocalReductionTest, AFileThatIsNoArrayIsNotTheStoresFailure) {
  const fs::path file = folder_.path() / "text.npy";
  ASSERT_TRUE(replace_file(file, "no array"));
  LocalReduction reduction(NodeIndex(1), {file.string()});
  const auto done = checked(reduction);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kConfig);
}

TEST_F(LocalReductionTest, AFileThatShrinksIsNamed) {
  const std::string file = write("a", 10, 0);
  LocalReduction reduction(NodeIndex(1), {file});
  ASSERT_TRUE(checked(reduction));
  fs::resize_file(file, fs::file_size(file) - 4);
  const auto kernel = reduce_kernel(model::DType::kInt32, model::ReduceOp::kSum);
  const auto added = reduction.add_some(kernel, 0, 10);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, Code::kStore);
  EXPECT_NE(added.error().text.find(file), std::string::npos);
}

}  // namespace
}  // namespace mnp::comms
