#include "mnp/core/loop.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace mnp {

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  MNP_ASSERT(epoll_, "epoll_create1 failed");
  auto wake = make_eventfd();
  MNP_ASSERT(wake.has_value(), "eventfd failed");
  wake_ = std::move(*wake);
  watch(wake_.get(), EPOLLIN, [this](uint32_t) {
    drain_eventfd(wake_);
    run_posted();
  });
}

Loop::~Loop() = default;

void Loop::watch(int fd, uint32_t events, FdCallback callback) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  const bool known = watched_.count(fd) > 0;
  const int result = ::epoll_ctl(epoll_.get(), known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
  MNP_ASSERT(result == 0, "epoll_ctl refused a descriptor");
  watched_[fd] = std::make_shared<FdCallback>(std::move(callback));
}

void Loop::change(int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Loop::forget(int fd) {
  if (watched_.erase(fd) > 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

Loop::TimerId Loop::at(TimePoint when, Callback callback) {
  const TimerId id = next_timer_++;
  timers_.emplace(std::pair(when, id),
                  std::make_shared<Timer>(Timer{std::move(callback), Milliseconds(0)}));
  timer_times_.emplace(id, when);
  return id;
}

Loop::TimerId Loop::every(Milliseconds period, Callback callback) {
  const TimerId id = at(Clock::now() + period, std::move(callback));
  timers_.at({timer_times_.at(id), id})->period = period;
  return id;
}

void Loop::cancel(TimerId id) {
  const auto found = timer_times_.find(id);
  if (found == timer_times_.end()) return;
  timers_.erase({found->second, id});
  timer_times_.erase(found);
}

void Loop::post(Callback callback) {
  bool first = false;
  {
    const std::scoped_lock lock(posted_mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(callback));
  }
  if (first) notify(wake_);
}

void Loop::run_posted() {
  std::vector<Callback> ready;
  {
    const std::scoped_lock lock(posted_mutex_);
    ready.swap(posted_);
  }
  for (Callback& callback : ready) callback();
}

void Loop::run_timers() {
  const TimePoint now = Clock::now();  // once: a timer slower than its period must not starve others
  while (!timers_.empty() && !stopped_) {
    const auto first = timers_.begin();
    const auto [when, id] = first->first;
    if (when > now) return;
    const auto timer = first->second;
    timers_.erase(first);
    if (timer->period.count() > 0) {
      const TimePoint again = Clock::now() + timer->period;
      timers_.emplace(std::pair(again, id), timer);
      timer_times_[id] = again;
    } else {
      timer_times_.erase(id);
    }
    timer->callback();
  }
}

void Loop::run_once(TimePoint until) {
  const TimePoint wait_until =
      timers_.empty() ? until : std::min(timers_.begin()->first.first, until);
  std::array<epoll_event, 64> events;
  const int timeout = wait_until == TimePoint::max() ? -1 : poll_timeout(wait_until);
  const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout);
  for (int i = 0; i < count; ++i) {
    const auto found = watched_.find(events[static_cast<size_t>(i)].data.fd);
    if (found == watched_.end()) continue;  // forgotten by an earlier callback of this turn
    const auto callback = found->second;    // keeps it alive should it forget itself
    (*callback)(events[static_cast<size_t>(i)].events);
  }
  run_timers();
}

void Loop::run() {
  stopped_ = false;
  while (!stopped_) run_once(TimePoint::max());
}

void Loop::stop() {
  post([this] { stopped_ = true; });
}

}  // namespace mnp
