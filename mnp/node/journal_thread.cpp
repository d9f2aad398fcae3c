#include "mnp/node/journal_thread.hpp"

#include <utility>

#include "mnp/core/log.hpp"

namespace mnp::node {
namespace {

constexpr auto kRetryPause = std::chrono::milliseconds(500);

}  // namespace

JournalThread::JournalThread(model::JournalWriter writer, Milliseconds interval,
                             Milliseconds patience, Callbacks callbacks)
    : writer_(std::move(writer)),
      interval_(interval),
      patience_(patience),
      callbacks_(std::move(callbacks)),
      thread_([this] { run(); }) {}

JournalThread::~JournalThread() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

uint64_t JournalThread::append(model::Event event) {
  bool first = false;
  uint64_t ticket = 0;
  {
    const std::scoped_lock lock(mutex_);
    ticket = ++appended_;
    if (!broken_) return ticket;  // will never be committed
    first = pending_.empty();
    pending_.push_back(std::move(event));
  }
  if (first) wake_.notify_all();
  return ticket;
}

Status JournalThread::flush(TimePoint deadline) {
  std::unique_lock lock(mutex_);
  const uint64_t wanted = appended_;
  ++flushing_;
  wake_.notify_all();
  const bool in_time =
      done_.wait_until(lock, deadline, [&] { return committed_ >= wanted || !broken_; });
  --flushing_;
  if (!broken_) return broken_;
  if (!in_time) return fail(Code::kTimeout, "the journal could not be committed in time");
  return {};
}

Status JournalThread::commit(std::vector<model::Event> events) {
  for (model::Event& event : events) writer_.append(std::move(event));
  const TimePoint give_up = Clock::now() + patience_;
  for (;;) {
    auto done = writer_.commit();
    if (done || done.error().code != Code::kStore) return done;
    log::warning("journal: {}; trying again", done.error().text);
    std::unique_lock lock(mutex_);
    if (stopping_ || Clock::now() > give_up) return done;
    wake_.wait_for(lock, kRetryPause, [&] { return stopping_; });
  }
}

void JournalThread::run() {
  TimePoint last = Clock::now() - interval_;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || !pending_.empty(); });
    if (pending_.empty()) return;
    wake_.wait_until(lock, last + interval_, [&] { return stopping_ || flushing_ > 0; });
    std::vector<model::Event> events = std::exchange(pending_, {});
    const uint64_t through = appended_;
    lock.unlock();
    const Status done = commit(std::move(events));
    last = Clock::now();
    lock.lock();
    if (!done) {
      broken_ = done;
      done_.notify_all();
      lock.unlock();
      callbacks_.failed(done.error());
      return;
    }
    committed_ = through;
    done_.notify_all();
    lock.unlock();
    callbacks_.committed(through);
    lock.lock();
  }
}

}  // namespace mnp::node
