#include "comms/reduce_kernel.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace mnp::comms {
namespace {

using model::DType;
using model::ReduceOp;

template <class T>
const char* bytes(const std::vector<T>& values) {
  return reinterpret_cast<const char*>(values.data());
}

/// One value from each of the files, the last from another node.
template <class T>
std::vector<T> reduced(ReduceOp op, const std::vector<std::vector<T>>& files) {
  const auto kernel = reduce_kernel(model::dtype_of<T>(), op);
  const size_t count = files[0].size();
  // Not aligned, as blocks in messages are not.
  std::vector<char> storage(count * kernel.accumulator_bytes + 1), other(storage);
  char* sum = storage.data() + 1;
  kernel.begin(sum, bytes(files[0]), count);
  for (size_t i = 1; i + 1 < files.size(); ++i) kernel.add(sum, bytes(files[i]), count);
  kernel.begin(other.data(), bytes(files.back()), count);
  kernel.merge(sum, other.data(), count);
  std::vector<T> values(count);
  EXPECT_EQ(kernel.finish(reinterpret_cast<char*>(values.data()), sum, count), count);
  return values;
}

TEST(ReduceKernel, SmallNumbersOfAnyType) {
  const auto check = [](auto zero) {
    using T = decltype(zero);
    const std::vector<std::vector<T>> files{{T(3), T(9)}, {T(7), T(1)}, {T(5), T(4)}};
    EXPECT_EQ(reduced<T>(ReduceOp::kSum, files), (std::vector<T>{T(15), T(14)}));
    EXPECT_EQ(reduced<T>(ReduceOp::kMin, files), (std::vector<T>{T(3), T(1)}));
    EXPECT_EQ(reduced<T>(ReduceOp::kMax, files), (std::vector<T>{T(7), T(9)}));
  };
  check(float{}), check(double{}), check(int32_t{}), check(int64_t{}), check(uint16_t{});
}

TEST(ReduceKernel, SumsOfSingleFloatsAreRoundedOnce) {
  // In single precision 2^24 + 1 is 2^24: added one by one, the ones would be lost.
  const std::vector<std::vector<float>> files{{16777216.0F}, {1.0F}, {1.0F}, {1.0F}, {1.0F}};
  EXPECT_EQ(reduced<float>(ReduceOp::kSum, files)[0], 16777220.0F);
}

TEST(ReduceKernel, SignedSumsWrap) {
  constexpr auto kMost = std::numeric_limits<int32_t>::max();
  EXPECT_EQ(reduced<int32_t>(ReduceOp::kSum, {{kMost}, {1}, {0}})[0],
            std::numeric_limits<int32_t>::min());
  constexpr auto kMost64 = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(reduced<int64_t>(ReduceOp::kSum, {{kMost64}, {1}, {1}})[0],
            std::numeric_limits<int64_t>::min() + 1);
}

TEST(ReduceKernel, ACountThatDoesNotFitIsFound) {
  const auto kernel = reduce_kernel(DType::kUint16, ReduceOp::kSum);
  const std::vector<uint16_t> a{1, 65535, 65535}, b{2, 0, 1};
  std::vector<char> sum(3 * kernel.accumulator_bytes);
  kernel.begin(sum.data(), bytes(a), 3);
  kernel.add(sum.data(), bytes(b), 3);
  std::vector<uint16_t> values(3);
  EXPECT_EQ(kernel.finish(reinterpret_cast<char*>(values.data()), sum.data(), 3), 2U);
  EXPECT_EQ(values[1], 65535);
}

TEST(ReduceKernel, ANanIsTheResultWhereverItStands) {
  const double nan = std::nan("");
  for (const auto op : {ReduceOp::kMin, ReduceOp::kMax, ReduceOp::kSum}) {
    EXPECT_TRUE(std::isnan(reduced<double>(op, {{nan}, {1.0}, {2.0}})[0]));
    EXPECT_TRUE(std::isnan(reduced<double>(op, {{1.0}, {nan}, {2.0}})[0]));
    EXPECT_TRUE(std::isnan(reduced<double>(op, {{1.0}, {2.0}, {nan}})[0]));
  }
}

}  // namespace
}  // namespace mnp::comms
