#include "mnp/core/files.hpp"

#include <sys/stat.h>

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

namespace mnp {
namespace {

class Files : public testing::Test {
 protected:
  Files() : folder_(std::move(*TemporaryFolder::create("files-"))) {}
  fs::path path(const std::string& name) const { return folder_.path() / name; }
  std::vector<std::string> names() const { return *list_folder(folder_.path()); }
  TemporaryFolder folder_;
};

TEST_F(Files, ReadsWhatWasReplaced) {
  ASSERT_TRUE(replace_file(path("a"), "first"));
  ASSERT_TRUE(replace_file(path("a"), std::string("sec\0ond", 7)));
  EXPECT_EQ(*read_file(path("a")), std::string("sec\0ond", 7));
  EXPECT_EQ(names(), std::vector<std::string>{"a"});  // no temporary file is left
}

TEST_F(Files, SaysThatNothingIsThere) {
  EXPECT_EQ(read_file(path("none")).error().code, Code::kNotFound);
  EXPECT_EQ(list_folder(path("none")).error().code, Code::kNotFound);
  EXPECT_EQ(list_files_below(path("none")).error().code, Code::kNotFound);
}

TEST_F(Files, ReadsUpToItsLimit) {
  ASSERT_TRUE(replace_file(path("a"), "12345"));
  EXPECT_TRUE(read_file(path("a"), 5));
  EXPECT_EQ(read_file(path("a"), 4).error().code, Code::kProtocol);
}

TEST_F(Files, CreatesOnceAndInMissingFolders) {
  ASSERT_TRUE(create_file_once(path("x/y/a"), "first", 0600));
  const auto again = create_file_once(path("x/y/a"), "second");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kExists);
  EXPECT_EQ(*read_file(path("x/y/a")), "first");
  EXPECT_EQ(*list_folder(path("x/y")), std::vector<std::string>{"a"});
  struct stat info {};
  ASSERT_EQ(::stat(path("x/y/a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(Files, OneOfManyCreatorsWins) {
  std::atomic<int> won{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      const auto done = create_file_once(path("a"), std::to_string(i));
      won += done ? 1 : 0;
      EXPECT_TRUE(done || done.error().code == Code::kExists);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(names(), std::vector<std::string>{"a"});
}

TEST_F(Files, ListsSortedAndBelow) {
  ASSERT_TRUE(create_file_once(path("b/2"), ""));
  ASSERT_TRUE(create_file_once(path("b/c/1"), ""));
  ASSERT_TRUE(create_file_once(path("a"), ""));
  EXPECT_EQ(names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(*list_files_below(folder_.path()), (std::vector<std::string>{"a", "b/2", "b/c/1"}));
}

TEST_F(Files, RemovesWriteProtectedFolders) {
  ASSERT_TRUE(create_file_once(path("b/c/1"), ""));
  ::chmod(path("b/c").c_str(), 0500);
  ::chmod(path("b").c_str(), 0500);
  EXPECT_TRUE(remove_tree(path("b")));
  EXPECT_TRUE(names().empty());
  EXPECT_TRUE(remove_tree(path("b"))) << "nothing there is no error";
}

TEST_F(Files, ATemporaryFolderGoesWithItsObject) {
  fs::path gone;
  {
    const auto folder = TemporaryFolder::create("t-", folder_.path());
    ASSERT_TRUE(folder);
    gone = folder->path();
    ASSERT_TRUE(create_file_once(gone / "x/y", ""));
  }
  EXPECT_FALSE(fs::exists(gone));
  EXPECT_FALSE(TemporaryFolder::create("t-", path("none")));
}

TEST_F(Files, ALockIsHeldOnce) {
  auto first = FileLock::try_acquire(path("lock"));
  ASSERT_TRUE(first && *first);
  EXPECT_TRUE(*is_locked(path("lock")));
  const auto second = FileLock::try_acquire(path("lock"));
  ASSERT_TRUE(second);
  EXPECT_FALSE(*second);
  first->reset();
  EXPECT_FALSE(*is_locked(path("lock")));
  const auto third = FileLock::try_acquire(path("lock"));
  EXPECT_TRUE(third && *third);
  EXPECT_EQ(FileLock::try_acquire(path("none/lock")).error().code, Code::kNotFound);
}

TEST_F(Files, SaysHowMuchIsFree) {
  EXPECT_GT(*free_bytes(folder_.path()), 0u);
  EXPECT_EQ(free_bytes(path("none")).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace mnp
