// When a call is made again, and after how long: the "standard" mode of the AWS SDKs. Source:
// "Retry behavior", AWS SDKs and Tools Reference Guide.
#pragma once

#include <mutex>

#include "aws/api_error.hpp"
#include "mnp/core/clock.hpp"

namespace mnp::aws {

/// What all calls to one service share: when most of them fail, few are made again.
class RetryQuota {
 public:
  static constexpr int kCapacity = 500;
  /// The tokens that another try costs; 0 where there are not enough left.
  int take(bool timed_out);
  /// A call has succeeded, after a try that had cost `taken`; 0 for a first try.
  void succeeded(int taken);
  int left() const;

 private:
  mutable std::mutex mutex_;
  int left_ = kCapacity;
};

/// Full jitter: anything up to 2^(tries-1) seconds, at most 20. `random` is in [0, 1).
Milliseconds retry_delay(int tries, double random);
/// In [0, 1), from a generator of this thread's own.
double random_share();

}  // namespace mnp::aws
