#include "mnp/node/results_folders.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace mnp::node {
namespace {

class ResultsFoldersTest : public testing::Test {
 protected:
  TemporaryFolder root_ = TemporaryFolder::create("results-folders-").value();
  ResultsFolders folders_ = ResultsFolders::create(root_.path() / "slots").value();
  fs::path made_ = folders_.make("0-1").value();
};

TEST_F(ResultsFoldersTest, OneThatNobodyTouchedStaysUntouched) {
  EXPECT_TRUE(folders_.untouched(made_));
  EXPECT_TRUE(folders_.untouched(made_));
  EXPECT_EQ(list_folder(root_.path() / "slots")->size(), 1U);  // nothing of the trial is left
}

TEST_F(ResultsFoldersTest, AnEntryOfAnyKindIsSeen) {
  ASSERT_TRUE(create_file_once(made_ / "file", "x", 0644));
  EXPECT_FALSE(folders_.untouched(made_));
  const fs::path other = folders_.make("0-2").value();
  fs::create_directory(other / "folder");
  EXPECT_FALSE(folders_.untouched(other));
  const fs::path third = folders_.make("0-3").value();
  fs::create_symlink("nowhere", third / "link");
  EXPECT_FALSE(folders_.untouched(third));
}

TEST_F(ResultsFoldersTest, AnEntryThatWentAgainLeavesItUsable) {
  fs::create_directory(made_ / "folder");
  fs::remove(made_ / "folder");
  EXPECT_TRUE(folders_.untouched(made_));
  ASSERT_TRUE(create_file_once(made_ / "file", "x", 0644));
  EXPECT_FALSE(folders_.untouched(made_));
}

TEST_F(ResultsFoldersTest, WhatIsGoneClosedOrNoFolderCannotBeUsed) {
  ASSERT_EQ(::chmod(made_.c_str(), 0500), 0);
  EXPECT_FALSE(folders_.untouched(made_));
  fs::remove(made_);
  EXPECT_FALSE(folders_.untouched(made_));
  fs::create_symlink(root_.path(), made_);
  EXPECT_FALSE(folders_.untouched(made_));
}

}  // namespace
}  // namespace mnp::node
