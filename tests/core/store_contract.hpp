// What every Store promises: a test instantiates StoreContract with a function that makes one.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "mnp/core/store.hpp"

namespace mnp {

/// A store and what it lives in.
struct Place {
  std::unique_ptr<TemporaryFolder> folder;
  std::unique_ptr<Store> store;
};
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

TEST_P(StoreContract, PutsWhatAFileHolds) {
  const auto folder = TemporaryFolder::create("mnp-test-");
  std::string bytes;
  for (int i = 0; i < 700000; ++i) bytes += static_cast<char>(i % 251);
  for (const std::string& text : {bytes, std::string()}) {
    ASSERT_TRUE(replace_file(folder->path() / "file", text));
    ASSERT_TRUE(store_.put_file("a/b", folder->path() / "file"));
    EXPECT_TRUE(*store_.get("a/b") == text) << text.size();
  }
  const auto none = store_.put_file("a/b", folder->path() / "none");
  EXPECT_EQ(none.error().code, Code::kIo) << none.error().text;
  EXPECT_EQ(*store_.list("a"), std::vector<std::string>{"a/b"});
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
  ASSERT_TRUE(store_.put("a/d/e", "-"));
  ASSERT_TRUE(store_.put("a/d/.zarray", "--"));  // commands publish such
  ASSERT_TRUE(store_.put("ab", "-"));
  const std::map<std::string, uint64_t> sizes{
      {"a/b", 3}, {"a/c", 0}, {"a/d/.zarray", 2}, {"a/d/e", 1}};
  EXPECT_EQ(*store_.sizes("a"), sizes);
  EXPECT_TRUE(store_.sizes("x")->empty());
}

TEST_P(StoreContract, NamesWhatStandsDirectlyBelow) {
  for (const char* key : {"a/10", "a/x/y", "a/x/z", "a/2", "ab/1"})
    ASSERT_TRUE(store_.put(key, "-"));
  EXPECT_EQ(*store_.names("a"), (std::vector<std::string>{"10", "2", "x"}));
  EXPECT_TRUE(store_.names("none")->empty());
}

TEST_P(StoreContract, AnObjectHasNothingBelow) {
  ASSERT_TRUE(store_.put("a/b", "bytes"));
  for (const char* key : {"a/b", "a/b/c"}) {
    EXPECT_TRUE(store_.list(key)->empty()) << key;
    EXPECT_TRUE(store_.names(key)->empty()) << key;
    EXPECT_TRUE(store_.sizes(key)->empty()) << key;
  }
}

TEST_P(StoreContract, ShowsAnObjectAsAFile) {
  ASSERT_TRUE(store_.put("a/b", "bytes"));
  const auto file = store_.file("a/b");
  ASSERT_TRUE(file) << file.error().text;
  EXPECT_EQ(*read_file(file->path), "bytes");
  EXPECT_EQ(store_.file("a/c").error().code, Code::kNotFound);
  EXPECT_GT(*store_.modified("a/b"), 0);
  EXPECT_EQ(store_.modified("a/c").error().code, Code::kNotFound);
}

TEST_P(StoreContract, ASecretIsPutOnce) {
  ASSERT_TRUE(store_.put_secret("a/key", "secret"));
  EXPECT_EQ(*store_.get("a/key"), "secret");
  EXPECT_EQ(store_.put_secret("a/key", "other").error().code, Code::kExists);
}

TEST_P(StoreContract, RemovesAllBelowAPrefix) {
  for (const char* key : {"a/1", "a/x/y", "ab/1"}) ASSERT_TRUE(store_.put(key, "-"));
  ASSERT_TRUE(store_.remove_below("a"));
  EXPECT_TRUE(store_.list("a")->empty());
  EXPECT_EQ(store_.list("ab")->size(), 1u);
  EXPECT_TRUE(store_.remove_below("a"));
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

}  // namespace mnp
