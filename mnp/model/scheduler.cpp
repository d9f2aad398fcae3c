#include "mnp/model/scheduler.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "mnp/model/scheduler_state.hpp"

namespace mnp::model {

static_assert(sizeof(StartId) == 8, "a node may hold tens of thousands");

Scheduler::State::State(SchedulerOptions given)
    : options(std::move(given)),
      commands(options.commands),
      queue(options.commands, options.costs,
            options.distribution == Distribution::kBlock ? std::max(options.block_nodes, 1U) : 0) {
  static_assert(sizeof(Command) == 20, "a stage may have hundreds of millions");
  options.costs = {};
  counts[static_cast<size_t>(CommandState::kWaiting)] = options.commands;
}

void Scheduler::State::set_state(uint32_t command, CommandState state) {
  CommandState& now = commands[command].state;
  --counts[static_cast<size_t>(now)];
  ++counts[static_cast<size_t>(state)];
  now = state;
}

/// A waiting command gets its entry, unless it has one.
void Scheduler::State::enqueue(uint32_t i) {
  Command& command = commands[i];
  if (command.queued || restoring) return;
  command.queued = true;
  if (Probe* const probe = find_probe(i)) {
    probe->ready = command.losses < kSuspectLosses;
    if (probe->ready) return;
    end_probe(i);
  }
  if (command.losses >= kSuspectLosses) {
    suspects.push_back(i);
    return;
  }
  const auto slice = queue.reserved_slice(i);
  if (command.failures > 0 && !slice) {
    retries.push_back(i);
    return;
  }
  queue.insert(i);
  if (!slice) return;
  const uint32_t owner = find(NodeIndex(*slice));
  if (owner != kNone && nodes[owner].idle > 0) make_ready(owner);
}

void Scheduler::State::delay(uint32_t i, TimePoint until) {
  if (commands[i].queued || restoring) return;
  commands[i].queued = true;
  delayed.push_back({until, i});
  std::push_heap(delayed.begin(), delayed.end(), std::greater<>());
}

void Scheduler::State::wake(TimePoint now) {
  while (!delayed.empty()) {
    const Delayed& first = delayed.front();
    const uint32_t command = first.command;
    const bool waiting = commands[command].state == CommandState::kWaiting;
    if (waiting && first.when > now) return;
    std::pop_heap(delayed.begin(), delayed.end(), std::greater<>());
    delayed.pop_back();
    commands[command].queued = false;
    if (waiting) enqueue(command);
  }
}

bool Scheduler::State::dealing() const {
  if (stopped) return false;
  const uint64_t bad = count(CommandState::kFailed) + count(CommandState::kTimedOut) +
                       count(CommandState::kPoisoned) + failing;
  return options.on_failure != OnFailure::kStop || bad <= options.allowed_failures;
}

Scheduler::Scheduler(SchedulerOptions options)
    : state_(std::make_unique<State>(std::move(options))) {}
Scheduler::~Scheduler() = default;

void Scheduler::restore(const Event& event) {
  state_->restore(event);
}
std::vector<CommandIndex> Scheduler::restored() {
  return state_->restored();
}
void Scheduler::add_node(NodeIndex node, Incarnation incarnation, uint32_t slots, bool is_main) {
  state_->add_node(node, incarnation, slots, is_main);
}
std::vector<CommandIndex> Scheduler::lose_node(NodeIndex node, TimePoint deal_again_at) {
  return state_->end_node(state_->find(node), true, deal_again_at);
}
void Scheduler::take_back(NodeIndex node, Incarnation incarnation,
                          const std::vector<StartId>& starts) {
  for (const auto& [command, start] : starts)
    state_->take_back(node, incarnation, command.value(), start);
}
void Scheduler::remove_node(NodeIndex node) {
  state_->end_node(state_->find(node), false, {});
}
void Scheduler::declare_bad(NodeIndex node) {
  state_->declare_bad(node);
}
bool Scheduler::probe(CommandIndex command, NodeIndex not_on) {
  return state_->probe(command.value(), state_->find(not_on));
}
void Scheduler::release_slice(NodeIndex node) {
  state_->release_slice(node);
}
std::vector<Scheduler::NodeDeal> Scheduler::deal(TimePoint now) {
  return state_->deal(now);
}
bool Scheduler::dealing() const {
  return state_->dealing();
}
std::optional<TimePoint> Scheduler::next_deal_time() const {
  if (state_->delayed.empty() || !state_->dealing()) return std::nullopt;
  return state_->delayed.front().when;
}
bool Scheduler::ran(NodeIndex node, Incarnation incarnation, CommandIndex command, uint32_t start,
                    bool failed) {
  return state_->ran(node, incarnation, command, start, failed);
}
Scheduler::Verdict Scheduler::judge(const Record& record) const {
  return state_->judge(record);
}
void Scheduler::kept(const Record& record, TimePoint now) {
  state_->kept(record, now);
}
void Scheduler::stop_dealing() {
  state_->stopped = true;
}

CommandState Scheduler::state(CommandIndex command) const {
  return state_->commands.at(command.value()).state;
}
uint32_t Scheduler::starts(CommandIndex command) const {
  return state_->commands.at(command.value()).start;
}

Counts Scheduler::counts() const {
  Counts counts;
  counts.waiting = state_->count(CommandState::kWaiting);
  counts.running = state_->count(CommandState::kInFlight);
  counts.ran = state_->count(CommandState::kRan);
  counts.succeeded = state_->count(CommandState::kSucceeded);
  counts.failed = state_->count(CommandState::kFailed);
  counts.timed_out = state_->count(CommandState::kTimedOut);
  counts.poisoned = state_->count(CommandState::kPoisoned);
  return counts;
}

uint32_t Scheduler::nodes_usable() const {
  return state_->usable;
}
uint32_t Scheduler::in_flight(NodeIndex node) const {
  const uint32_t id = state_->find(node);
  return id == State::kNone ? 0 : state_->nodes[id].in_flight;
}
uint32_t Scheduler::unkept(NodeIndex node) const {
  const uint32_t id = state_->find(node);
  return id == State::kNone ? 0 : state_->nodes[id].ran;
}
bool Scheduler::finished() const {
  if (state_->count(CommandState::kInFlight) > 0 || state_->count(CommandState::kRan) > 0)
    return false;
  return !state_->dealing() || state_->count(CommandState::kWaiting) == 0;
}

}  // namespace mnp::model
