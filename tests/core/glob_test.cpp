#include "mnp/core/glob.hpp"

#include <gtest/gtest.h>

namespace mnp {
namespace {

TEST(GlobMatch, AStarStaysWithinAFolder) {
  EXPECT_TRUE(glob_match("slices/*.npy", "slices/1.npy"));
  EXPECT_FALSE(glob_match("slices/*.npy", "slices/a/1.npy"));
  EXPECT_FALSE(glob_match("slices/*.npy", "slices/1.npz"));
  EXPECT_FALSE(glob_match("*", "a/b"));
}

TEST(GlobMatch, TwoStarsCrossFolders) {
  EXPECT_TRUE(glob_match("**/*.npy", "1.npy"));
  EXPECT_TRUE(glob_match("**/*.npy", "a/b/c/1.npy"));
  EXPECT_TRUE(glob_match("a/**/b", "a/b"));
  EXPECT_TRUE(glob_match("a/**/b", "a/x/y/b"));
  EXPECT_FALSE(glob_match("a/**/b", "x/a/b"));
  EXPECT_TRUE(glob_match("**", "a/b"));
}

TEST(GlobMatch, MatchesTheWholePath) {
  EXPECT_TRUE(glob_match("a", "a"));
  EXPECT_FALSE(glob_match("a", "ab"));
  EXPECT_FALSE(glob_match("a", "a/b"));
  EXPECT_FALSE(glob_match("a/b", "a"));
  EXPECT_TRUE(glob_match("?[0-9]", "a7"));
  EXPECT_FALSE(glob_match("?[0-9]", "7a"));
}

}  // namespace
}  // namespace mnp
