#include "mnp/node/publish_names.hpp"

#include <gtest/gtest.h>

#include "mnp/core/text.hpp"

namespace mnp::node {
namespace {

const Origin kFour{CommandIndex(4), OwnerNumber(2), 3, 44};

constexpr std::chrono::seconds kPatience{60};

class Names : public testing::Test {
 protected:
  TemporaryFolder folder = *TemporaryFolder::create("publish-names-test-");
};

TEST_F(Names, ARowSaysWhoPublishedAndWhatMayReplaceIt) {
  auto names = PublishedNames::lock(folder.path(), "me", kPatience);
  ASSERT_TRUE(names) << names.error().text;
  EXPECT_TRUE(*names->may_publish("a/b", kFour));
  ASSERT_TRUE(names->write("a/b", kFour));
  EXPECT_TRUE(*names->may_publish("a/b", kFour));  // again, after a failure
  EXPECT_TRUE(*names->may_publish("a/b", {CommandIndex(4), OwnerNumber(2), 4, 44}));
  EXPECT_FALSE(*names->may_publish("a/b", {CommandIndex(4), OwnerNumber(2), 2, 44}));
  EXPECT_FALSE(*names->may_publish("a/b", {CommandIndex(4), OwnerNumber(1), 9, 44}));
  EXPECT_TRUE(*names->may_publish("a/b", {CommandIndex(4), OwnerNumber(3), 1, 44}));
  EXPECT_FALSE(names->may_publish("a/b", {CommandIndex(5), OwnerNumber(3), 1, 55}));
  EXPECT_TRUE(*names->may_publish("a/c", {CommandIndex(5), OwnerNumber(3), 1, 55}));
}

TEST_F(Names, AnEmptyRowWasNeverSynced) {
  auto names = PublishedNames::lock(folder.path(), "me", kPatience);
  ASSERT_TRUE(replace_file(folder.path() / ".names" / hex64(fnv1a("a")), ""));
  EXPECT_TRUE(*names->may_publish("a", kFour));
}

TEST_F(Names, OurOwnFoldersAreReserved) {
  for (const char* ours : {".names", ".names/x", ".incoming/1"})
    EXPECT_EQ(check_name(ours, kFour).error().code, Code::kConfig) << ours;
  for (const char* free : {"names", ".namesake", "a/.names"})
    EXPECT_TRUE(check_name(free, kFour)) << free;
}

}  // namespace
}  // namespace mnp::node
