#include "comms/array_writer.hpp"

#include <gtest/gtest.h>

namespace mnp::comms {
namespace {

const ArrayShape kShape{model::DType::kInt32, {2, 2}, NodeIndex(0), ""};

class ArrayWriterTest : public testing::Test {
 protected:
  TemporaryFolder folder_ = *TemporaryFolder::create("array");
  fs::path target_ = folder_.path() / "slices/sum.npy";
};

TEST_F(ArrayWriterTest, WritesWhatNumPyReads) {
  auto writer = *ArrayWriter::create(target_, kShape);
  const std::vector<int32_t> values{1, 2, 3, 4};
  const std::string_view bytes(reinterpret_cast<const char*>(values.data()), 16);
  ASSERT_TRUE(writer.write(bytes.substr(0, 4)));
  ASSERT_TRUE(writer.write(bytes.substr(4)));
  EXPECT_FALSE(fs::exists(target_));
  ASSERT_TRUE(writer.commit());
  const auto array = model::read_npy<int32_t>(target_);
  ASSERT_TRUE(array) << array.error().text;
  EXPECT_EQ(array->values, values);
  EXPECT_EQ(array->shape, (std::vector<size_t>{2, 2}));
  EXPECT_EQ(list_folder(target_.parent_path()), (std::vector<std::string>{"sum.npy"}));
}

TEST_F(ArrayWriterTest, LeavesNothingWithoutACommit) {
  { auto writer = *ArrayWriter::create(target_, kShape); }
  EXPECT_TRUE(fs::is_empty(target_.parent_path()));
}

TEST_F(ArrayWriterTest, AFolderThatCannotBeMadeIsNamed) {
  const auto writer = ArrayWriter::create("/proc/nowhere/sum.npy", kShape);
  ASSERT_FALSE(writer);
  EXPECT_NE(writer.error().text.find("/proc/nowhere"), std::string::npos);
}

}  // namespace
}  // namespace mnp::comms
