#include "aws/retry.hpp"

#include <gtest/gtest.h>

namespace mnp::aws {
namespace {

TEST(Retry, WaitsLongerEachTimeUpToALimit) {
  EXPECT_EQ(retry_delay(1, 0.5), Milliseconds(500));
  EXPECT_EQ(retry_delay(2, 0.5), Milliseconds(1000));
  EXPECT_EQ(retry_delay(4, 0.5), Milliseconds(4000));
  EXPECT_EQ(retry_delay(6, 0.5), Milliseconds(10000));
  EXPECT_EQ(retry_delay(1000000, 0.5), Milliseconds(10000));
  EXPECT_EQ(retry_delay(3, 0), Milliseconds(0));
}

TEST(Retry, TheQuotaEndsWhenMostCallsFail) {
  RetryQuota quota;
  int granted = 0;
  while (quota.take(false) > 0) ++granted;
  EXPECT_EQ(granted, 100);
  quota.succeeded(0);
  EXPECT_EQ(quota.take(false), 0);
  for (int i = 0; i < 4; ++i) quota.succeeded(0);
  EXPECT_EQ(quota.take(true), 0);
  EXPECT_EQ(quota.take(false), 5);
  quota.succeeded(5);
  EXPECT_EQ(quota.left(), 5);
}

TEST(Retry, TheQuotaIsNeverMoreThanItWas) {
  RetryQuota quota;
  for (int i = 0; i < 1000; ++i) quota.succeeded(10);
  EXPECT_EQ(quota.left(), RetryQuota::kCapacity);
}

}  // namespace
}  // namespace mnp::aws
