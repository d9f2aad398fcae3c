#include "aws/retry.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace mnp::aws {
namespace {

constexpr int kRetryCost = 5;
constexpr int kTimeoutCost = 10;
constexpr int kFirstTryGain = 1;
constexpr double kLongestSeconds = 20;
constexpr int kMostDoublings = 10;

}  // namespace

int RetryQuota::take(bool timed_out) {
  const std::scoped_lock lock(mutex_);
  const int cost = timed_out ? kTimeoutCost : kRetryCost;
  if (left_ < cost) return 0;
  left_ -= cost;
  return cost;
}

void RetryQuota::succeeded(int taken) {
  const std::scoped_lock lock(mutex_);
  left_ = std::min(kCapacity, left_ + (taken > 0 ? taken : kFirstTryGain));
}

int RetryQuota::left() const {
  const std::scoped_lock lock(mutex_);
  return left_;
}

Milliseconds retry_delay(int tries, double random) {
  const double most =
      std::min(kLongestSeconds, std::ldexp(1.0, std::min(tries - 1, kMostDoublings)));
  return Milliseconds(static_cast<int64_t>(1000 * most * random));
}

double random_share() {
  static thread_local std::mt19937_64 engine{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(engine);
}

}  // namespace mnp::aws
