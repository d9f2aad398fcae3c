#include "mnp/node/results_publisher.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "mnp/core/fd.hpp"

namespace mnp::node {
namespace {

Origin origin(uint32_t command, uint32_t owner, uint32_t start) {
  return {CommandIndex(command), OwnerNumber(owner), start, command};
}

TEST(MayReplace, OnlyAHigherOwnerAndStartOfTheSameCommand) {
  const Origin there = origin(4, 2, 3);
  EXPECT_TRUE(*may_replace(there, origin(4, 2, 3), "a"));
  EXPECT_TRUE(*may_replace(there, origin(4, 2, 4), "a"));
  EXPECT_TRUE(*may_replace(there, origin(4, 3, 1), "a"));
  EXPECT_FALSE(*may_replace(there, origin(4, 2, 2), "a"));
  EXPECT_FALSE(*may_replace(there, origin(4, 1, 9), "a"));
  const auto other = may_replace(there, origin(5, 9, 9), "a");
  EXPECT_EQ(other.error().code, Code::kConfig);
  EXPECT_NE(other.error().text.find("commands 4 and 5 both publish 'a'"), std::string::npos);
}

TEST(FilesToPublish, WhatIsBelowOrNothing) {
  const auto folder = TemporaryFolder::create("results-publisher-test-");
  EXPECT_TRUE(files_to_publish(folder->path() / "none")->empty());
  ASSERT_TRUE(create_file_once(folder->path() / "b/c", ""));
  ASSERT_TRUE(create_file_once(folder->path() / "a", ""));
  EXPECT_EQ(*files_to_publish(folder->path()), (std::vector<std::string>{"a", "b/c"}));
}

TEST(FilesToPublish, NotMoreThanARecordHolds) {
  const auto folder = TemporaryFolder::create("results-publisher-test-");
  fs::path deep = folder->path();
  for (int i = 0; i < 14; ++i) deep /= std::string(240, 'd');
  fs::create_directories(deep);
  constexpr int kFiles = 1300;  // times 3.4 kB
  for (int i = 0; i < kFiles; ++i)
    ASSERT_TRUE(Fd(::creat((deep / std::to_string(i)).c_str(), 0600)));
  const auto files = files_to_publish(folder->path());
  EXPECT_EQ(files.error().code, Code::kConfig);
  EXPECT_NE(files.error().text.find("1300 files"), std::string::npos) << files.error().text;
}

}  // namespace
}  // namespace mnp::node
