#include "mnp/node/daemons.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "mnp/core/log.hpp"
#include "mnp/model/environment.hpp"

namespace mnp::node {
namespace {

constexpr auto kEndLimit = std::chrono::seconds(5);

std::string mark_of(EpochNumber epoch) {
  return fmt::format("{}={}", model::kEpoch, epoch.value());
}

/// Hands output on as it comes.
class Forward : public cpu::OutputSink {
 public:
  explicit Forward(const Daemons::Callbacks& to) : to_(to) {}
  bool write(std::string_view bytes) override { return to_.output ? to_.output(bytes) : true; }
  void cut() override {
    if (to_.cut) to_.cut();
  }

 private:
  const Daemons::Callbacks& to_;
};

}  // namespace

Daemons::~Daemons() {
  std::vector<std::shared_ptr<Daemon>> left;
  {
    const std::scoped_lock lock(mutex_);
    for (auto& [id, daemon] : daemons_) left.push_back(daemon);
  }
  for (auto& daemon : left) daemon->runner->kill();
  for (auto& daemon : left) {
    (void)orphans_->end_marked(mark_of(daemon->epoch), Clock::now() + kEndLimit);
    if (daemon->thread.joinable()) daemon->thread.join();
  }
  for (Ender& ender : enders_) ender.thread.join();
}

void Daemons::forget_ended() {
  for (auto at = daemons_.begin(); at != daemons_.end();) {
    if (at->second->ended) {
      at->second->thread.join();
      at = daemons_.erase(at);
    } else {
      ++at;
    }
  }
  enders_.remove_if([](Ender& ender) {
    if (ender.ended) ender.thread.join();
    return ender.ended;
  });
}

Status Daemons::start(uint64_t id, EpochNumber epoch, cpu::Start start, Callbacks callbacks) {
  const std::scoped_lock lock(mutex_);
  forget_ended();
  if (epoch <= last_ended_)
    return fail(Code::kDenied, fmt::format("epoch {} has been ended", epoch.value()));
  if (daemons_.count(id) != 0)
    return fail(Code::kProtocol, fmt::format("daemon {} runs already", id));
  orphans_->spare(mark_of(epoch));
  start.extra.push_back(mark_of(epoch));
  start.marks = {mark_of(epoch)};
  auto daemon = std::make_shared<Daemon>();
  daemon->epoch = epoch;
  MNP_TRY(daemon->runner, cpu::CommandRunner::create(orphans_, cpu::expendable()));
  daemons_[id] = daemon;
  daemon->thread = std::thread(
      [this, daemon = daemon.get(), start = std::move(start), callbacks = std::move(callbacks)] {
        Forward sink(callbacks);
        const cpu::Finished finished = daemon->runner->run(start, sink);
        callbacks.ended(finished);
        const std::scoped_lock ended_lock(mutex_);
        daemon->ended = true;
        ended_.notify_all();
      });
  return {};
}

/// Until the last callback of each has returned: its id is free then.
void Daemons::wait_for_ended(EpochNumber epoch, TimePoint deadline) {
  std::unique_lock lock(mutex_);
  ended_.wait_until(lock, deadline, [&] {
    return std::none_of(daemons_.begin(), daemons_.end(), [&](const auto& each) {
      return each.second->epoch == epoch && !each.second->ended;
    });
  });
}

void Daemons::stop(uint64_t id, Milliseconds grace) {
  const std::scoped_lock lock(mutex_);
  const auto found = daemons_.find(id);
  if (found != daemons_.end()) found->second->runner->stop(grace);
}

void Daemons::end_epoch(EpochNumber epoch, std::function<void()> done) {
  const std::scoped_lock lock(mutex_);
  forget_ended();
  last_ended_ = std::max(last_ended_, epoch);
  for (auto& [id, daemon] : daemons_)
    if (daemon->epoch == epoch) daemon->runner->kill();
  Ender& ender = enders_.emplace_back();
  ender.thread = std::thread([this, &ender, epoch, done = std::move(done)] {
    const TimePoint deadline = Clock::now() + kEndLimit;
    if (auto ended = orphans_->end_marked(mark_of(epoch), deadline); !ended)
      log::error("epoch {}: {}", epoch.value(), ended.error().text);
    wait_for_ended(epoch, deadline);
    done();
    const std::scoped_lock ended_lock(mutex_);
    ender.ended = true;
  });
}

}  // namespace mnp::node
