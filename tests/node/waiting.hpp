// Waiting in tests: only a hang takes as long as these.
#pragma once

#include <functional>
#include <thread>

#include "mnp/core/clock.hpp"

namespace mnp::node {

inline constexpr std::chrono::seconds kHangs{60};

inline bool eventually(const std::function<bool()>& condition) {
  const TimePoint deadline = Clock::now() + kHangs;
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(Milliseconds(2));
  }
  return true;
}

}  // namespace mnp::node
