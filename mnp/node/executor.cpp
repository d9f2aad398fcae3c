#include "mnp/node/executor.hpp"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "mnp/core/log.hpp"

namespace mnp::node {
namespace {

constexpr Milliseconds kTellEvery{5};  // while more is queued than slots could start

cpu::Finished not_started() {
  cpu::Finished finished;
  finished.started = finished.ended = wall_seconds();
  finished.ending = {model::Ending::Kind::kNotStarted, EIO};
  return finished;
}

}  // namespace

void fill_record(model::Record& record, const cpu::Finished& finished,
                 const model::OutputRange& output) {
  record.ending = finished.ending;
  record.started = finished.started;
  record.ended = finished.ended;
  record.cpu_seconds = finished.cpu_seconds;
  record.max_rss_kib = finished.max_rss_kib;
  record.output = output;
  record.output.truncated = finished.truncated;
}

Executor::Executor(ExecutorOptions options, ResultsFolders folders, Committer& committer,
                   std::function<void()> ran)
    : options_(std::move(options)),
      folders_(std::move(folders)),
      committer_(committer),
      ran_callback_(std::move(ran)),
      environment_(options_.environment) {}

Result<std::unique_ptr<Executor>> Executor::create(ExecutorOptions options,
                                                   const std::shared_ptr<cpu::Orphans>& orphans,
                                                   Committer& committer,
                                                   std::function<void()> ran) {
  MNP_TRY(auto folders, ResultsFolders::create(options.folder));
  std::unique_ptr<Executor> executor(
      new Executor(std::move(options), std::move(folders), committer, std::move(ran)));
  for (const cpu::Slot& slot : executor->options_.slots) {
    auto state = std::make_unique<SlotState>();
    state->slot = slot;
    auto runner = cpu::CommandRunner::create(orphans, cpu::expendable());
    if (!runner)
      return fail(runner.error().within(
          fmt::format("slot {} of {} (raise `ulimit -n`, or set fewer `slots`)",
                      slot.index.value() + 1, executor->options_.slots.size())));
    state->runner = std::move(*runner);
    MNP_CHECK(executor->renew_results(*state));
    executor->slots_.push_back(std::move(state));
  }
  for (auto& slot : executor->slots_)
    slot->thread = std::thread([self = executor.get(), &slot = *slot] { self->run_slot(slot); });
  return executor;
}

Executor::~Executor() {
  drain(Milliseconds(0));
  for (auto& slot : slots_)
    if (slot->thread.joinable()) slot->thread.join();
}

void Executor::set_environment(cpu::Environment environment) {
  const std::scoped_lock lock(mutex_);
  environment_ = std::move(environment);
}

void Executor::deal(std::vector<model::Deal::Item> items) {
  const std::scoped_lock lock(mutex_);
  if (stopping_) return;
  for (auto& item : items) queue_.push_back(std::move(item));
  low_water_ = std::max(slots_.size(), queue_.size() / 2);
  wake_.notify_all();
}

model::Ran Executor::take_ran() {
  const std::scoped_lock lock(mutex_);
  return model::Ran{std::exchange(ran_, {})};
}

void Executor::kept(size_t count) {
  const std::scoped_lock lock(mutex_);
  const bool full = unkept_ >= kMaxUnkept;
  unkept_ -= std::min(unkept_, count);
  if (full) wake_.notify_all();
}

void Executor::drain(Milliseconds grace) {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    queue_.clear();
  }
  wake_.notify_all();
  for (auto& slot : slots_) slot->runner->stop(grace);
}

bool Executor::wait_idle(TimePoint deadline) {
  std::unique_lock lock(mutex_);
  return idle_.wait_until(lock, deadline, [&] { return running_ == 0; });
}

bool Executor::take(SlotState& slot, model::Deal::Item& item) {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [&] { return stopping_ || (!queue_.empty() && unkept_ < kMaxUnkept); });
  if (stopping_) return false;
  item = std::move(queue_.front());
  queue_.pop_front();
  if (slot.environment != environment_) slot.environment = environment_;
  ++running_;
  return true;
}

void Executor::run_slot(SlotState& slot) {
  // Commands inherit it: a child bound elsewhere would first be moved to another core.
  if (auto bound = cpu::bind_this_thread(slot.slot.cpus); !bound)
    log::warning("slot {}: {}", slot.slot.index.value(), bound.error().text);
  model::Deal::Item item;
  while (take(slot, item)) run_command(slot, item);
}

cpu::Start Executor::start_of(const SlotState& slot, const model::Deal::Item& item) const {
  const model::StageSpec& spec = options_.spec;
  cpu::Start start;
  start.line = item.line;
  start.base = slot.environment;
  start.extra = {
      fmt::format("MNP_COMMAND_INDEX={}", item.command.value()),
      fmt::format("MNP_TRY={}", item.start),
      fmt::format("MNP_SLOT={}", slot.slot.index.value()),
      fmt::format("MNP_RESULTS={}", slot.results.string()),
      fmt::format("AWS_BATCH_JOB_ARRAY_INDEX={}", item.command.value()),
  };
  start.marks.assign(start.extra.begin(), start.extra.begin() + 3);
  if (spec.gpus) {
    start.extra.push_back("CUDA_VISIBLE_DEVICES=" +
                          gpu::visible_devices(options_.gpus, slot.slot.gpus));
    start.extra.push_back(fmt::format("MNP_GPUS={}", slot.slot.gpus.size()));
  }
  start.cwd = spec.cwd;
  start.cpus = slot.slot.cpus;
  start.timeout = spec.timeout;
  start.warn_signal = spec.warn_signal;
  start.warn_before = spec.warn_before;
  start.max_output = spec.max_output;
  return start;
}

/// A folder left untouched serves the next command too: making one costs as much as a third of
/// a short command.
Status Executor::renew_results(SlotState& slot) {
  MNP_TRY(slot.results,
          folders_.make(fmt::format("{}-{}", slot.slot.index.value(), ++slot.folders)));
  return {};
}

void Executor::run_command(SlotState& slot, const model::Deal::Item& item) {
  cpu::CommandOutput output(committer_.output(), item.command, item.start);
  const Status ready = slot.results.empty() ? renew_results(slot) : Status();
  const cpu::Finished finished =
      ready ? slot.runner->run(start_of(slot, item), output) : not_started();
  if (finished.stopped) {  // by a drain: as if it had never been dealt
    const std::scoped_lock lock(mutex_);
    if (--running_ == 0) idle_.notify_all();
    return;
  }
  RanCommand ran;
  ran.identity = item.identity;
  ran.record.command = item.command;
  ran.record.start = item.start;
  ran.record.node = options_.node;
  ran.record.incarnation = options_.incarnation;
  ran.record.slot = slot.slot.index;
  fill_record(ran.record, finished, output.range());
  if (!ready) {
    ran.record.error = ready.error().text;
    log::error("{}", ready.error().text);
  } else if (!folders_.untouched(slot.results)) {
    ran.results = std::exchange(slot.results, {});
  }
  report(ran.record);
  committer_.add(std::move(ran));
  const std::scoped_lock lock(mutex_);
  if (--running_ == 0) idle_.notify_all();
}

/// Each end is told at once where a slot could go idle; short commands' ends are told together, for
/// waking main costs as much as a twentieth of one. What is not told is taken when it is stored.
void Executor::report(const model::Record& record) {
  bool soon = false;
  const TimePoint now = Clock::now();
  {
    const std::scoped_lock lock(mutex_);
    ran_.push_back({record.command, record.start, !record.success()});
    ++unkept_;
    soon = queue_.size() < slots_.size() ||
           (queue_.size() <= low_water_ && now - told_at_ >= kTellEvery);
    if (soon) told_at_ = now;
  }
  if (soon) ran_callback_();
}

}  // namespace mnp::node
