// Threads that meet in a store, run one store call at a time in an order that the test chooses.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "mnp/core/store.hpp"

namespace mnp::model {

/// Runs `bodies` as threads. Before each `step` a thread waits until `choose` picks it from those
/// that wait; between steps only that one runs.
class Interleaving {
 public:
  /// From the waiting threads (never empty, ascending) and the one that ran last.
  using Choose = std::function<int(const std::vector<int>& waiting, int last)>;

  void run(const std::vector<std::function<void()>>& bodies, const Choose& choose) {
    states_.assign(bodies.size(), kRuns);
    std::vector<std::thread> threads;
    for (size_t i = 0; i < bodies.size(); ++i)
      threads.emplace_back([this, &bodies, i] {
        self() = static_cast<int>(i);
        step();  // none starts by itself
        bodies[i]();
        set(static_cast<int>(i), kDone);
      });
    for (int last = -1;;) {
      const auto waiting = wait_for_all();
      if (waiting.empty()) break;
      set(last = choose(waiting, last), kRuns);
    }
    for (auto& thread : threads) thread.join();
  }

  void step() {
    const int me = self();
    std::unique_lock lock(mutex_);
    states_[static_cast<size_t>(me)] = kWaits;
    changed_.notify_all();
    changed_.wait(lock, [&] { return states_[static_cast<size_t>(me)] == kRuns; });
  }

 private:
  enum State { kRuns, kWaits, kDone };
  static int& self() {
    thread_local int index = -1;
    return index;
  }
  void set(int thread, State state) {
    const std::scoped_lock lock(mutex_);
    states_[static_cast<size_t>(thread)] = state;
    changed_.notify_all();
  }
  std::vector<int> wait_for_all() {
    std::unique_lock lock(mutex_);
    std::vector<int> waiting;
    changed_.wait(lock, [&] {
      waiting.clear();
      for (size_t i = 0; i < states_.size(); ++i) {
        if (states_[i] == kRuns) return false;
        if (states_[i] == kWaits) waiting.push_back(static_cast<int>(i));
      }
      return true;
    });
    return waiting;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<State> states_;
};

/// Every order in turn in which the running thread is left for another at most `preemptions`
/// times while it could go on.
class EveryOrder {
 public:
  explicit EveryOrder(int preemptions) : limit_(preemptions) {}

  int choose(const std::vector<int>& waiting, int last) {
    std::vector<int> options;
    for (const int thread : waiting)
      thread == last ? (void)options.insert(options.begin(), thread) : options.push_back(thread);
    const bool could_go_on = options.front() == last;
    if (could_go_on && used_ == limit_) options.resize(1);
    if (at_ == trail_.size()) trail_.emplace_back(0, options.size());
    const size_t chosen = trail_[at_++].first;
    if (could_go_on && chosen > 0) ++used_;
    return options[chosen];
  }
  /// False when there is no other order.
  bool next() {
    at_ = 0;
    used_ = 0;
    while (!trail_.empty() && trail_.back().first + 1 == trail_.back().second) trail_.pop_back();
    if (trail_.empty()) return false;
    ++trail_.back().first;
    return true;
  }

 private:
  const int limit_;
  int used_ = 0;
  size_t at_ = 0;
  std::vector<std::pair<size_t, size_t>> trail_;  // chosen, of so many
};

/// A store each call of which is a step. With `loss` one put_new in so many does its work, or
/// does not, and says kStore.
class SteppedStore : public Store {
 public:
  SteppedStore(Store& store, Interleaving& steps, std::mt19937* random = nullptr, unsigned loss = 0)
      : store_(store), steps_(steps), random_(random), loss_(loss) {}
  Status put_new(const std::string& key, std::string_view bytes) override {
    steps_.step();
    const unsigned dice = loss_ == 0 ? 2 : (*random_)() % loss_;
    if (dice == 0) return fail(Code::kStore, "lost on its way");
    auto done = store_.put_new(key, bytes);
    if (dice == 1) return fail(Code::kStore, "the answer was lost");
    return done;
  }
  Status put(const std::string& key, std::string_view bytes) override {
    steps_.step();
    return store_.put(key, bytes);
  }
  Status put_file(const std::string& key, const fs::path& from) override {
    steps_.step();
    return store_.put_file(key, from);
  }
  Result<std::string> get(const std::string& key) override {
    steps_.step();
    return store_.get(key);
  }
  Status put_secret(const std::string& key, std::string_view bytes) override {
    steps_.step();
    return store_.put_secret(key, bytes);
  }
  Result<StoredFile> file(const std::string& key) override {
    steps_.step();
    return store_.file(key);
  }
  Result<double> modified(const std::string& key) override {
    steps_.step();
    return store_.modified(key);
  }
  Result<std::map<std::string, uint64_t>> sizes(const std::string& prefix) override {
    steps_.step();
    return store_.sizes(prefix);
  }
  Result<std::vector<std::string>> names(const std::string& prefix) override {
    steps_.step();
    return store_.names(prefix);
  }
  Status remove_below(const std::string& prefix) override {
    steps_.step();
    return store_.remove_below(prefix);
  }
  Result<std::vector<std::string>> list(const std::string& prefix) override {
    steps_.step();
    return store_.list(prefix);
  }
  Status remove(const std::string& key) override {
    steps_.step();
    return store_.remove(key);
  }
  std::string url(const std::string& key) const override { return store_.url(key); }

 private:
  Store& store_;
  Interleaving& steps_;
  std::mt19937* random_;
  const unsigned loss_;
};

}  // namespace mnp::model
