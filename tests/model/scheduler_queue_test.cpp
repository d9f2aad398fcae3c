#include "mnp/model/scheduler_queue.hpp"

#include <gtest/gtest.h>

namespace mnp::model {
namespace {

std::vector<uint32_t> drain(CommandQueue& queue) {
  std::vector<uint32_t> order;
  while (const auto command = queue.pop_shared()) order.push_back(*command);
  return order;
}

using Order = std::vector<uint32_t>;

TEST(Slices, PartitionEveryList) {
  for (uint32_t total = 0; total <= 130; ++total) {
    for (uint32_t n = 1; n <= 40; ++n) {
      ASSERT_EQ(slice_begin(total, 0, n), 0u);
      ASSERT_EQ(slice_begin(total, n, n), total);
      for (uint32_t i = 0; i < n; ++i) {
        const uint32_t begin = total * i / n, end = total * (i + 1) / n;
        ASSERT_EQ(slice_begin(total, i, n), begin);
        ASSERT_EQ(slice_begin(total, i + 1, n), end);
        for (uint32_t c = begin; c < end; ++c) ASSERT_EQ(slice_of(total, c, n), i) << total << n;
      }
    }
  }
}

TEST(Slices, DoNotOverflow) {
  const uint32_t total = 2000000000, n = 1000;
  EXPECT_EQ(slice_begin(total, 999, n), 1998000000u);
  EXPECT_EQ(slice_of(total, total - 1, n), n - 1);
  EXPECT_EQ(slice_of(total, 1998000000, n), n - 1);
  EXPECT_EQ(slice_of(total, 1997999999, n), n - 2);
}

TEST(CommandQueue, KeepsListOrderWithoutCosts) {
  CommandQueue queue(4, {}, 0);
  EXPECT_EQ(queue.pop_shared(), 0u);
  EXPECT_EQ(queue.pop_shared(), 1u);
  queue.insert(0);
  EXPECT_EQ(drain(queue), (Order{0, 2, 3})) << "what comes back takes its place again";
}

TEST(CommandQueue, LongestFirstTiesInListOrderUnknownAsTheMean) {
  CommandQueue queue(7, {1, 9, 0, 9, 2, -1, 4}, 0);  // mean of the known: 5
  EXPECT_EQ(drain(queue), (Order{1, 3, 2, 5, 6, 4, 0}));
}

TEST(CommandQueue, OrdersWithinSlices) {
  CommandQueue queue(6, {1, 2, 3, 4, 5, 6}, 2);
  EXPECT_EQ(queue.shared_size(), 0u);
  EXPECT_EQ(queue.slice_size(0), 3u);
  EXPECT_EQ(queue.slice_size(2), 0u) << "no such slice";
  EXPECT_EQ(queue.pop_slice(0), 2u);
  EXPECT_EQ(queue.pop_slice(1), 5u);
  EXPECT_EQ(queue.pop_slice(0), 1u);
  EXPECT_EQ(queue.pop_slice(0), 0u);
  EXPECT_EQ(queue.pop_slice(0), std::nullopt);
  EXPECT_EQ(queue.pop_slice(9), std::nullopt);
}

TEST(CommandQueue, ReleasedSliceIsForEverybody) {
  CommandQueue queue(6, {}, 3);
  EXPECT_EQ(queue.pop_slice(1), 2u);
  queue.release(1);
  queue.release(1);
  queue.release(17);
  EXPECT_EQ(queue.slice_size(1), 0u);
  EXPECT_EQ(drain(queue), Order{3});
  queue.insert(2);
  EXPECT_EQ(queue.reserved_slice(2), std::nullopt);
  EXPECT_EQ(queue.reserved_slice(0), 0u);
  EXPECT_EQ(drain(queue), Order{2});
  EXPECT_EQ(queue.slice_size(0), 2u);
}

TEST(CommandQueue, EraseAndInsertKeepTheSizes) {
  CommandQueue queue(6, {}, 2);
  queue.erase(1);
  queue.erase(1);
  EXPECT_EQ(queue.slice_size(0), 2u);
  EXPECT_FALSE(queue.contains(1));
  queue.insert(1);
  queue.insert(1);
  EXPECT_EQ(queue.slice_size(0), 3u);
  queue.clear();
  EXPECT_EQ(queue.slice_size(0), 0u);
  EXPECT_EQ(queue.pop_slice(0), std::nullopt);
}

}  // namespace
}  // namespace mnp::model
