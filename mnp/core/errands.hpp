// One thread for what may block and must not hold up the loop: small files in the store.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "mnp/core/clock.hpp"

namespace mnp {

class Errands {
 public:
  static constexpr size_t kMaxWaiting = 4096;

  Errands() : thread_([this] { run(); }) {}
  ~Errands();
  /// In order. `name`: an errand of this name that still waits is dropped for the new one.
  void add(const std::string& name, std::function<void()> errand);
  /// False when some are not done at the deadline.
  bool finish(TimePoint deadline);

 private:
  void run();
  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  std::deque<std::pair<std::string, std::function<void()>>> waiting_;
  bool busy_ = false, stopping_ = false;
  std::thread thread_;
};

}  // namespace mnp
