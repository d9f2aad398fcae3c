#include "mnp/core/errands.hpp"

#include <algorithm>
#include <utility>

#include "mnp/core/result.hpp"

namespace mnp {

Errands::~Errands() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Errands::add(const std::string& name, std::function<void()> errand) {
  const std::scoped_lock lock(mutex_);
  const auto same = std::find_if(waiting_.begin(), waiting_.end(),
                                 [&](const auto& each) { return each.first == name; });
  if (same != waiting_.end()) waiting_.erase(same);
  MNP_ASSERT(waiting_.size() < kMaxWaiting, "more kinds of errands than the list may hold");
  waiting_.emplace_back(name, std::move(errand));
  wake_.notify_all();
}

bool Errands::finish(TimePoint deadline) {
  std::unique_lock lock(mutex_);
  return idle_.wait_until(lock, deadline, [&] { return waiting_.empty() && !busy_; });
}

void Errands::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const auto errand = std::move(waiting_.front().second);
    waiting_.pop_front();
    busy_ = true;
    lock.unlock();
    errand();
    lock.lock();
    busy_ = false;
    idle_.notify_all();
  }
}

}  // namespace mnp
