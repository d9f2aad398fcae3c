// Threads that work off a queue.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "mnp/core/result.hpp"

namespace mnp::aws {

/// The first task that fails is what all of it fails with; what has not begun then is dropped.
class Crew {
 public:
  /// Threads are started as they are needed.
  explicit Crew(size_t threads);
  ~Crew();
  /// Waits while much is queued. From the thread that owns the crew.
  void add(std::function<Status()> task);
  /// From within a task: never waits.
  void add_from_task(std::function<Status()> task);
  /// Until everything is done, or something has failed and what had begun has ended.
  Status finish();
  bool failed() const;

 private:
  void call();
  void work();

  const size_t most_threads_, most_queued_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<Status()>> tasks_;
  size_t running_ = 0;
  bool ending_ = false;
  Status outcome_;
  std::vector<std::thread> threads_;
};

}  // namespace mnp::aws
