#include "mnp/core/store.hpp"

#include <sys/stat.h>

#include <atomic>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

namespace mnp {
namespace {

/// A store and what it lives in.
struct Place {
  std::unique_ptr<TemporaryFolder> folder;
  std::unique_ptr<Store> store;
};
Place folder_place() {
  auto folder = std::make_unique<TemporaryFolder>(std::move(*TemporaryFolder::create("store-")));
  auto store = std::make_unique<FolderStore>(folder->path());
  return {std::move(folder), std::move(store)};
}
Place memory_place() {
  return {nullptr, std::make_unique<MemoryStore>()};
}

/// What every Store promises.
class StoreContract : public testing::TestWithParam<Place (*)()> {
 protected:
  StoreContract() : place_(GetParam()()), store_(*place_.store) {}
  Place place_;
  Store& store_;
};

TEST_P(StoreContract, GetsWhatWasPut) {
  const std::string bytes("a\0b\xff", 4);
  ASSERT_TRUE(store_.put_new("runs/r/new", bytes));
  ASSERT_TRUE(store_.put("runs/r/put", bytes));
  EXPECT_EQ(*store_.get("runs/r/new"), bytes);
  EXPECT_EQ(*store_.get("runs/r/put"), bytes);
}

TEST_P(StoreContract, PutNewNeverReplaces) {
  ASSERT_TRUE(store_.put_new("a/b", "first"));
  EXPECT_EQ(store_.put_new("a/b", "second").error().code, Code::kExists);
  EXPECT_EQ(store_.put_new("a/b", "first").error().code, Code::kExists);
  EXPECT_EQ(*store_.get("a/b"), "first");
}

TEST_P(StoreContract, PutReplaces) {
  ASSERT_TRUE(store_.put_new("a", "first"));
  ASSERT_TRUE(store_.put("a", "second"));
  EXPECT_EQ(*store_.get("a"), "second");
}

TEST_P(StoreContract, SaysThatNothingIsThere) {
  ASSERT_TRUE(store_.put("a/b", ""));
  EXPECT_EQ(store_.get("a/c").error().code, Code::kNotFound);
  EXPECT_EQ(store_.get("x/y").error().code, Code::kNotFound);
  EXPECT_EQ(*store_.get("a/b"), "");
}

TEST_P(StoreContract, SaysHowManyBytesThereAre) {
  ASSERT_TRUE(store_.put("a/b", std::string("\0\n\0", 3)));
  ASSERT_TRUE(store_.put("a/c", ""));
  EXPECT_EQ(*store_.size("a/b"), 3u);
  EXPECT_EQ(*store_.size("a/c"), 0u);
  for (const char* nothing : {"a", "a/d", "x/y", "a/b/c"})
    EXPECT_EQ(store_.size(nothing).error().code, Code::kNotFound) << nothing;
}

TEST_P(StoreContract, ListsSortedBelowAPrefix) {
  for (const char* key : {"a/10", "a/2", "a/x/y", "ab/1", "b"}) ASSERT_TRUE(store_.put(key, "-"));
  EXPECT_EQ(*store_.list("a"), (std::vector<std::string>{"a/10", "a/2", "a/x/y"}));
  EXPECT_EQ(*store_.list("a/x"), std::vector<std::string>{"a/x/y"});
  EXPECT_TRUE(store_.list("none")->empty());
}

TEST_P(StoreContract, RemovesAndAllowsAgain) {
  ASSERT_TRUE(store_.put_new("a/b", "1"));
  EXPECT_TRUE(store_.remove("a/b"));
  EXPECT_TRUE(store_.remove("a/b"));
  EXPECT_EQ(store_.get("a/b").error().code, Code::kNotFound);
  EXPECT_TRUE(store_.put_new("a/b", "2"));
}

TEST_P(StoreContract, OneOfManyCreatorsWins) {
  for (int round = 0; round < 10; ++round) {
    const std::string key = "owner/" + std::to_string(round);
    std::atomic<int> winner{-1}, won{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&, i] {
        if (!store_.put_new(key, std::to_string(i))) return;
        winner = i;
        ++won;
      });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(won, 1);
    EXPECT_EQ(*store_.get(key), std::to_string(winner));
  }
}

TEST_P(StoreContract, SaysWhereAKeyIs) {
  EXPECT_NE(store_.url("a/b").find("a/b"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Folder, StoreContract, testing::Values(folder_place));
INSTANTIATE_TEST_SUITE_P(Memory, StoreContract, testing::Values(memory_place));

TEST(FolderStore, HidesHiddenFiles) {
  const Place place = folder_place();
  ASSERT_TRUE(place.store->put("a/b", "1"));
  ASSERT_TRUE(create_file_once(place.folder->path() / "a/.c.tmp-1-1", "torn"));
  EXPECT_EQ(*place.store->list("a"), std::vector<std::string>{"a/b"});
}

TEST(FolderStore, SaysThatItCannotCommit) {
  const Place place = folder_place();
  ASSERT_TRUE(create_file_once(place.folder->path() / "file", ""));
  EXPECT_EQ(place.store->put_new("file/a", "1").error().code, Code::kStore);
  EXPECT_EQ(place.store->put("file/a", "1").error().code, Code::kStore);
}

}  // namespace
}  // namespace mnp
