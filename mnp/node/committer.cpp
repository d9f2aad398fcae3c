#include "mnp/node/committer.hpp"

#include <utility>

#include "mnp/core/log.hpp"

namespace mnp::node {
namespace {

constexpr auto kRetryPause = std::chrono::milliseconds(500);
constexpr auto kOutputInterval = std::chrono::seconds(1);  // of a command that still runs

void drop_results(RanCommand& command) {
  if (command.results.empty()) return;
  if (auto removed = remove_tree(command.results); !removed)
    log::warning("{}", removed.error().text);
  command.results.clear();
}

}  // namespace

Committer::Committer(std::shared_ptr<Store> store, std::string output_prefix,
                     std::unique_ptr<ResultsPublisher> publisher, Milliseconds interval,
                     Milliseconds patience, Callbacks callbacks)
    : store_(std::move(store)),
      output_prefix_(std::move(output_prefix)),
      publisher_(std::move(publisher)),
      interval_(interval),
      patience_(patience),
      callbacks_(std::move(callbacks)),
      thread_([this] { run(); }) {}

Committer::~Committer() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  done_.notify_all();
  thread_.join();
}

void Committer::add(RanCommand command) {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return added_ - stored_ < kMaxWaiting || stopping_ || !broken_; });
  if (!broken_) return;  // nothing is stored any more
  waiting_.push_back(std::move(command));
  ++added_;
  if (waiting_.size() == 1 || added_ - stored_ >= kMaxWaiting) wake_.notify_all();
}

Status Committer::flush(TimePoint deadline) {
  std::unique_lock lock(mutex_);
  const uint64_t wanted = added_;
  flushing_ = true;
  wake_.notify_all();
  const bool in_time = done_.wait_until(
      lock, deadline, [&] { return !broken_ || (stored_ >= wanted && !flushing_); });
  flushing_ = false;
  if (!broken_) return broken_;
  if (!in_time) return fail(Code::kTimeout, "results and output could not be stored in time");
  return {};
}

/// A start whose results cannot be published has failed: the record says why. An error is the
/// store's, and the call may be made again.
Status Committer::publish(std::vector<RanCommand>& batch) {
  std::vector<RanCommand*> commands;
  std::vector<Publishing> starts;
  for (RanCommand& command : batch) {
    if (command.results.empty() || !command.record.success()) continue;
    commands.push_back(&command);
    starts.push_back(
        {command.results, command.record.command, command.record.start, command.identity});
  }
  if (!starts.empty()) publisher_->publish(starts);
  Status done;
  bool any = false;
  for (size_t i = 0; i < starts.size(); ++i) {
    auto& files = starts[i].files;
    if (!files && files.error().code == Code::kStore) {
      done = fail(files.error());
      continue;
    }
    any = any || (files && !files->empty());
    if (files)
      commands[i]->record.files = std::move(*files);
    else
      commands[i]->record.error = files.error().text;
    drop_results(*commands[i]);
  }
  unsynced_ = unsynced_ || any;
  MNP_CHECK(done);
  for (RanCommand& command : batch) drop_results(command);  // of those that failed
  return {};
}

Status Committer::write_output() {
  if (!unwritten_) unwritten_ = output_.take();
  if (!unwritten_) return {};
  MNP_CHECK(cpu::write_segment(*store_, output_prefix_, *unwritten_));
  unwritten_.reset();
  return {};
}

Status Committer::try_commit(std::vector<RanCommand>& batch) {
  MNP_CHECK(publish(batch));
  if (unsynced_) {
    const Status synced = publisher_->sync();
    bytes_lost_ = !synced && synced.error().code == Code::kIo;
    if (!synced) return fail(Code::kStore, synced.error().text);
  }
  unsynced_ = false;
  return write_output();
}

Status Committer::commit(std::vector<RanCommand>& batch) {
  std::optional<TimePoint> give_up;  // from the first failure: to wait for the lock is none
  for (;;) {
    Status done = try_commit(batch);
    if (done || bytes_lost_) return done;
    const TimePoint now = Clock::now();
    if (!give_up) give_up = now + patience_;
    std::unique_lock lock(mutex_);
    if (stopping_ || now > *give_up) return done;
    log::warning("{}; trying again", done.error().text);
    wake_.wait_for(lock, kRetryPause, [&] { return stopping_; });
  }
}

void Committer::run() {
  TimePoint last = Clock::now() - interval_;
  std::unique_lock lock(mutex_);
  const auto wanted = [&] { return stopping_ || flushing_ || !waiting_.empty(); };
  for (;;) {
    wake_.wait_for(lock, kOutputInterval, wanted);
    wake_.wait_until(lock, last + interval_,
                     [&] { return stopping_ || flushing_ || added_ - stored_ >= kMaxWaiting; });
    std::vector<RanCommand> batch = std::exchange(waiting_, {});
    const bool flushes = flushing_;
    const bool last_turn = stopping_;
    lock.unlock();
    const Status done = commit(batch);
    last = Clock::now();
    if (done && !batch.empty()) {
      std::vector<model::Record> records;
      for (RanCommand& command : batch) records.push_back(std::move(command.record));
      callbacks_.stored(std::move(records));
    }
    lock.lock();
    if (!done) {
      broken_ = done;
      done_.notify_all();
      lock.unlock();
      callbacks_.failed(done.error());
      return;
    }
    stored_ += batch.size();
    if (flushes && waiting_.empty()) flushing_ = false;
    done_.notify_all();
    if (last_turn && waiting_.empty()) return;
  }
}

}  // namespace mnp::node
