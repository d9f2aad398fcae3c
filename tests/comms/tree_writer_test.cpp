#include "comms/tree_writer.hpp"

#include <gtest/gtest.h>

#include "mnp/core/text.hpp"
#include "tree_fixture.hpp"

namespace mnp::comms {
namespace {

std::string block_of(const std::vector<std::string>& records) {
  return Encoder().u32(static_cast<uint32_t>(records.size())).take() + join(records, "");
}
Encoder record(TreeRecord kind) {
  Encoder out;
  out.u8(static_cast<uint8_t>(kind));
  return out;
}
std::string file(const std::string& path) {
  return record(TreeRecord::kFile).text(path).u32(0644).take();
}
std::string data(const std::string& bytes) {
  return record(TreeRecord::kData).text(bytes).take();
}
std::string file_end(const std::string& bytes) {
  return record(TreeRecord::kFileEnd).u64(bytes.size()).u32(crc32c(bytes)).take();
}
std::string folder_record(const std::string& path) {
  return record(TreeRecord::kFolder).text(path).u32(0755).take();
}

class TreeWriterTest : public testing::Test {
 protected:
  TemporaryFolder folder_ = *TemporaryFolder::create("tree");
  fs::path target_ = folder_.path() / "target";
};

TEST_F(TreeWriterTest, NothingIsThereBeforeTheCommit) {
  {
    auto writer = *TreeWriter::create(target_);
    ASSERT_TRUE(writer.take(block_of({file(""), data("abc"), file_end("abc")})));
    EXPECT_FALSE(fs::exists(target_));
  }
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(TreeWriterTest, ReplacesAFolderByAFileAndBack) {
  fs::create_directories(target_ / "old");
  auto first = *TreeWriter::create(target_);
  ASSERT_TRUE(first.take(block_of({file(""), data("abc"), file_end("abc")})));
  ASSERT_TRUE(first.commit());
  EXPECT_EQ(*read_file(target_), "abc");
  auto second = *TreeWriter::create(target_);
  ASSERT_TRUE(second.take(block_of({folder_record(""), folder_record("new")})));
  ASSERT_TRUE(second.commit());
  EXPECT_TRUE(fs::is_directory(target_ / "new"));
}

TEST_F(TreeWriterTest, DamagedContentIsFound) {
  auto writer = *TreeWriter::create(target_);
  const auto done = writer.take(block_of({file(""), data("abc"), file_end("abd")}));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kProtocol);
}

TEST_F(TreeWriterTest, AHalfFileIsNotCommitted) {
  auto writer = *TreeWriter::create(target_);
  ASSERT_TRUE(writer.take(block_of({file(""), data("abc")})));
  EXPECT_FALSE(writer.commit());
}

TEST_F(TreeWriterTest, NothingLeavesTheFolder) {
  for (const std::string path : {"../out", "/etc/out", "a/../../out", "a//b", "."}) {
    auto writer = *TreeWriter::create(target_);
    ASSERT_TRUE(writer.take(block_of({folder_record("")})));
    EXPECT_FALSE(writer.take(block_of({file(path)}))) << path;
  }
  EXPECT_FALSE(fs::exists(folder_.path() / "out"));
}

TEST_F(TreeWriterTest, CutBlocksAreRefused) {
  const std::string whole = block_of({file(""), data("abc"), file_end("abc")});
  for (size_t size = 0; size < whole.size(); ++size) {
    auto writer = *TreeWriter::create(target_);
    EXPECT_FALSE(writer.take(whole.substr(0, size))) << size;
  }
}

TEST_F(TreeWriterTest, AFolderThatCannotBeMadeIsNamed) {
  write_bytes(folder_.path() / "file", "");
  const auto writer = TreeWriter::create(folder_.path() / "file/target");
  ASSERT_FALSE(writer);
  EXPECT_NE(writer.error().text.find("file"), std::string::npos);
}

}  // namespace
}  // namespace mnp::comms
