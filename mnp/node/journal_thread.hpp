// The journal's group commit, off the main loop: events go in, and come back as committed.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "mnp/core/clock.hpp"
#include "mnp/model/journal.hpp"

namespace mnp::node {

class JournalThread {
 public:
  struct Callbacks {
    std::function<void(uint64_t through)> committed;  // every ticket up to this is in the store
    std::function<void(Error)> failed;                // no commit any more: superseded, or no store
  };
  /// Callbacks run on the journal's thread. `interval`: at most one commit in that time; an event
  /// that comes after a quiet interval is committed at once. A store that fails is tried again
  /// for `patience`.
  JournalThread(model::JournalWriter writer, Milliseconds interval, Milliseconds patience,
                Callbacks callbacks);
  ~JournalThread();

  /// From any thread; the tickets count from 1.
  uint64_t append(model::Event event);
  /// Waits until all that was appended is committed. kStore or kSuperseded when it never will
  /// be, kTimeout at the deadline.
  Status flush(TimePoint deadline);

 private:
  void run();
  Status commit(std::vector<model::Event> events);

  model::JournalWriter writer_;
  const Milliseconds interval_, patience_;
  Callbacks callbacks_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<model::Event> pending_;
  uint64_t appended_ = 0, committed_ = 0;
  Status broken_;
  int flushing_ = 0;  // callers of flush
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mnp::node
