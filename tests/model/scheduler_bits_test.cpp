#include "mnp/model/scheduler_bits.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace mnp::model {
namespace {

TEST(BitTree, FindsTheSmallestMember) {
  BitTree tree(300000);
  EXPECT_EQ(tree.first(), BitTree::kNone);
  for (const uint32_t number : {299999u, 64u, 4096u, 70u}) tree.insert(number);
  EXPECT_EQ(tree.first(), 64u);
  EXPECT_EQ(tree.first(65), 70u);
  EXPECT_EQ(tree.first(71), 4096u);
  EXPECT_EQ(tree.first(4097), 299999u);
  EXPECT_EQ(tree.first(300000), BitTree::kNone);
  EXPECT_EQ(tree.count(), 4u);
}

TEST(BitTree, FillHoldsExactlyItsSize) {
  for (const uint32_t size : {0u, 1u, 63u, 64u, 65u, 4095u, 4096u, 4097u, 262145u}) {
    BitTree tree(size);
    tree.fill();
    EXPECT_EQ(tree.count(), size);
    uint32_t seen = 0;
    for (uint32_t at = tree.first(); at != BitTree::kNone; at = tree.first(at + 1)) {
      ASSERT_EQ(at, seen);
      ++seen;
    }
    EXPECT_EQ(seen, size);
    tree.clear();
    EXPECT_EQ(tree.first(), BitTree::kNone);
  }
}

TEST(BitTree, DoesWhatASetDoes) {
  std::mt19937 random(7);
  for (const uint32_t size : {1u, 64u, 100u, 5000u, 300000u}) {
    BitTree tree(size);
    std::set<uint32_t> set;
    for (int step = 0; step < 20000; ++step) {
      const auto number = static_cast<uint32_t>(random() % size);
      if (random() % 2 == 0) {
        tree.insert(number);
        set.insert(number);
      } else {
        tree.erase(number);
        set.erase(number);
      }
      const auto from = static_cast<uint32_t>(random() % size);
      const auto next = set.lower_bound(from);
      ASSERT_EQ(tree.first(from), next == set.end() ? BitTree::kNone : *next);
      ASSERT_EQ(tree.contains(from), set.count(from) == 1);
      ASSERT_EQ(tree.count(), set.size());
    }
  }
}

}  // namespace
}  // namespace mnp::model
