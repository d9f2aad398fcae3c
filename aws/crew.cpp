#include "aws/crew.hpp"

#include <utility>

namespace mnp::aws {
namespace {

constexpr size_t kQueuedPerThread = 16;

}  // namespace

Crew::Crew(size_t threads) : most_threads_(threads), most_queued_(threads * kQueuedPerThread) {}

Crew::~Crew() {
  {
    const std::scoped_lock lock(mutex_);
    tasks_.clear();
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Crew::add(std::function<Status()> task) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return tasks_.size() < most_queued_ || !outcome_; });
  if (!outcome_) return;
  tasks_.push_back(std::move(task));
  call();
}

/// In front: what was begun is finished before more is.
void Crew::add_from_task(std::function<Status()> task) {
  const std::scoped_lock lock(mutex_);
  if (!outcome_ || ending_) return;
  tasks_.push_front(std::move(task));
  call();
}

/// Somebody, or one more, for a task that is queued now.
void Crew::call() {
  if (threads_.size() < most_threads_ && threads_.size() - running_ < tasks_.size())
    threads_.emplace_back([this] { work(); });
  changed_.notify_all();
}

Status Crew::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return running_ == 0 && (tasks_.empty() || !outcome_); });
  return outcome_;
}

bool Crew::failed() const {
  const std::scoped_lock lock(mutex_);
  return !outcome_;
}

void Crew::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return ending_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    ++running_;
    lock.unlock();
    Status done = task();
    lock.lock();
    std::deque<std::function<Status()>> dropped;
    if (!done && outcome_) {
      outcome_ = std::move(done);
      dropped.swap(tasks_);
      changed_.notify_all();
    }
    lock.unlock();
    task = nullptr;  // what they hold may take its time to go
    dropped.clear();
    lock.lock();
    --running_;
    changed_.notify_all();
  }
}

}  // namespace mnp::aws
