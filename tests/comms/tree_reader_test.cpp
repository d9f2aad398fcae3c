#include "comms/tree_reader.hpp"

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "comms/tree_writer.hpp"
#include "tree_fixture.hpp"

namespace mnp::comms {
namespace {

/// Source to target, block by block; how many blocks there were.
Result<size_t> copied(const fs::path& source, const fs::path& target) {
  MNP_TRY(TreeReader reader, TreeReader::open(source));
  MNP_TRY(TreeWriter writer, TreeWriter::create(target));
  for (size_t blocks = 0;; ++blocks) {
    MNP_TRY(const std::string block, reader.next());
    if (block.empty()) {
      MNP_CHECK(writer.commit());
      return blocks;
    }
    EXPECT_LT(block.size(), kTreeBlockBytes + 2 * kTreeDataBytes);
    MNP_CHECK(writer.take(block));
  }
}

TEST(TreeReader, AFolderComesOutAsItWentIn) {
  const auto folder = *TemporaryFolder::create("tree");
  make_tree(folder.path() / "source");
  const auto blocks = copied(folder.path() / "source", folder.path() / "target");
  ASSERT_TRUE(blocks) << blocks.error().text;
  EXPECT_GT(*blocks, 4U);
  EXPECT_LT(*blocks, 12U);  // small files share blocks
  EXPECT_TRUE(describe(folder.path() / "target") == describe(folder.path() / "source"));
}

TEST(TreeReader, AFileComesOutAsItWentIn) {
  const auto folder = *TemporaryFolder::create("tree");
  for (const size_t bytes : {size_t{0}, size_t{1}, kTreeDataBytes, kTreeBlockBytes * 2 + 1}) {
    write_bytes(folder.path() / "source", noise(bytes));
    const auto blocks = copied(folder.path() / "source", folder.path() / "target");
    ASSERT_TRUE(blocks) << blocks.error().text;
    EXPECT_TRUE(describe(folder.path() / "target") == describe(folder.path() / "source")) << bytes;
  }
}

TEST(TreeReader, ALinkAtTheTopIsFollowed) {
  const auto folder = *TemporaryFolder::create("tree");
  write_bytes(folder.path() / "file", "content");
  fs::create_symlink(folder.path() / "file", folder.path() / "source");
  ASSERT_TRUE(copied(folder.path() / "source", folder.path() / "target"));
  EXPECT_FALSE(fs::is_symlink(folder.path() / "target"));
  EXPECT_EQ(*read_file(folder.path() / "target"), "content");
}

TEST(TreeReader, WhatIsNotThereIsNamed) {
  const auto reader = TreeReader::open("/nowhere/source");
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, Code::kNotFound);
  EXPECT_NE(reader.error().text.find("/nowhere/source"), std::string::npos);
}

TEST(TreeReader, APipeIsRefusedAndNamed) {
  const auto folder = *TemporaryFolder::create("tree");
  fs::create_directory(folder.path() / "source");
  ASSERT_EQ(::mkfifo((folder.path() / "source/pipe").c_str(), 0600), 0);
  const auto blocks = copied(folder.path() / "source", folder.path() / "target");
  ASSERT_FALSE(blocks);
  EXPECT_NE(blocks.error().text.find("source/pipe"), std::string::npos) << blocks.error().text;
  EXPECT_EQ(list_folder(folder.path()), (std::vector<std::string>{"source"}));
}

}  // namespace
}  // namespace mnp::comms
