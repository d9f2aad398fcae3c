// One thread's event loop: descriptors, timers, and work handed over from other threads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "mnp/core/clock.hpp"
#include "mnp/core/fd.hpp"

namespace mnp {

/// Not thread-safe but for `post` and `stop`. Callbacks may add and remove whatever they like,
/// themselves included.
class Loop {
 public:
  using Callback = std::function<void()>;
  using FdCallback = std::function<void(uint32_t epoll_events)>;
  using TimerId = uint64_t;

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// `events` as epoll_ctl(2): EPOLLIN, EPOLLOUT. One registration a descriptor.
  void watch(int fd, uint32_t events, FdCallback callback);
  void change(int fd, uint32_t events);
  void forget(int fd);

  TimerId at(TimePoint when, Callback callback);
  TimerId after(Milliseconds delay, Callback callback) {
    return at(Clock::now() + delay, std::move(callback));
  }
  /// First after `period`, then again and again.
  TimerId every(Milliseconds period, Callback callback);
  void cancel(TimerId id);

  /// From any thread: `callback` runs in the loop's thread.
  void post(Callback callback);

  void run();   // until stop()
  void stop();  // from any thread
  /// One turn that waits until something happens (a timer's time is something) or `until` at most.
  void run_once(TimePoint until);

 private:
  struct Timer {
    Callback callback;
    Milliseconds period{0};
  };
  void run_timers();
  void run_posted();

  Fd epoll_, wake_;
  bool stopped_ = false;
  TimerId next_timer_ = 1;
  std::map<std::pair<TimePoint, TimerId>, std::shared_ptr<Timer>> timers_;
  std::unordered_map<TimerId, TimePoint> timer_times_;
  std::unordered_map<int, std::shared_ptr<FdCallback>> watched_;
  std::mutex posted_mutex_;
  std::vector<Callback> posted_;
};

}  // namespace mnp
