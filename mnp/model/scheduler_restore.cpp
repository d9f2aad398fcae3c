// Events of earlier attempts: the same commands, losses and failures as their mains knew, as far as
// a journal can tell. It does not say what had ran and was not kept: that counts as in flight.
#include <algorithm>

#include "mnp/model/scheduler_state.hpp"

namespace mnp::model {

void Scheduler::State::restore(const Event& event) {
  if (!restoring) {
    restoring = true;
    queue.clear();
    for (auto& command : commands) command.queued = false;
  }
  std::visit(
      [this]<class T>(const T& what) {
        if constexpr (requires { replay(what); }) replay(what);
      },
      event);
}

void Scheduler::State::replay(const Begun& begun) {
  end_attempt(true);
  if (!begun.fresh_failures) return;
  for (uint32_t i = 0; i < commands.size(); ++i) {
    const CommandState state = commands[i].state;
    if (state == CommandState::kSucceeded) continue;
    forget_failures(i);
    if (state == CommandState::kWaiting) continue;  // between two tries, or not begun
    set_state(i, CommandState::kWaiting);
    commands[i].losses = 0;
  }
  poisoned_by_end.clear();
}

/// Main is the first to join its own attempt.
void Scheduler::State::replay(const NodeJoined& joined) {
  const uint32_t id = find_or_add(joined.node);
  if (replayed_main == kNone) replayed_main = id;
  replay_incarnation(id, joined.incarnation);
}

/// The Poisoned event that follows says what this loss was the third of: some of what the journal
/// has in flight had ran.
void Scheduler::State::replay(const NodeLost& lost) {
  const uint32_t id = find(lost.node);
  if (id == kNone || nodes[id].incarnation != lost.incarnation) return;
  replay_lists_end(id, lost.reason != kGoodbye, false);
}

void Scheduler::State::replay(const NodeBad& bad) {
  nodes[find_or_add(bad.node)].bad = true;
  reopen_failures();
}

void Scheduler::State::replay(const Dealt& dealt) {
  const uint32_t id = find_or_add(dealt.node);
  replay_incarnation(id, dealt.incarnation);
  for (const auto& item : dealt.items) {
    const uint32_t i = item.command.value();
    if (i >= commands.size()) continue;
    Command& command = commands[i];
    if (item.start > command.start) command.recorded = false;
    command.start = std::max(command.start, item.start);
    if (command.state == CommandState::kSucceeded) continue;
    if (command.held) let_go(i);  // after a goodbye
    set_state(i, CommandState::kInFlight);
    hold(i, id);
  }
}

void Scheduler::State::replay(const RecordKept& kept) {
  const Record& record = kept.record;
  const uint32_t i = record.command.value();
  if (i >= commands.size()) return;
  Command& command = commands[i];
  const bool doubled = record.start == command.start && command.recorded;
  const bool outdated = record.start < command.start;
  command.start = std::max(command.start, record.start);
  if (command.state == CommandState::kSucceeded || doubled) return;
  if (outdated && !record.success()) return;
  if (command.held) let_go(i);
  command.recorded = !outdated;
  if (record.success()) return set_state(i, CommandState::kSucceeded);
  const uint32_t id = find_or_add(record.node);
  command.node = id;
  fail_try(i, record, id);
}

void Scheduler::State::replay(const Poisoned& poisoned) {
  const uint32_t i = poisoned.command.value();
  if (i >= commands.size() || commands[i].state == CommandState::kSucceeded) return;
  if (commands[i].held) let_go(i);
  commands[i].losses = kPoisonLosses;
  set_state(i, CommandState::kPoisoned);
  std::erase(poisoned_by_end, i);
}

/// After a goodbye everything had been ended in order: no loss.
void Scheduler::State::replay(const Ended&) {
  end_attempt(false);
}

/// A higher incarnation without a loss before it: the lower one had said goodbye.
void Scheduler::State::replay_incarnation(uint32_t id, Incarnation incarnation) {
  if (nodes[id].incarnation == incarnation) return;
  replay_lists_end(id, false, false);
  nodes[id].incarnation = incarnation;
}

void Scheduler::State::replay_lists_end(uint32_t id, bool lost, bool poisons) {
  while (nodes[id].first != kNone) {
    const uint32_t i = nodes[id].first;
    Command& command = commands[i];
    let_go(i);
    const uint8_t most = poisons ? kPoisonLosses : kSuspectLosses;
    if (lost && command.losses < most) ++command.losses;
    const bool poisoned = command.losses >= kPoisonLosses;
    set_state(i, poisoned ? CommandState::kPoisoned : CommandState::kWaiting);
    if (poisoned) poisoned_by_end.push_back(i);
  }
}

/// Without a goodbye main was lost, with what ran on it. What its children ran has been ended by
/// their keepers and has no part in that.
void Scheduler::State::end_attempt(bool lost) {
  for (const auto& [index, id] : by_index) {
    const bool on_main = replayed_main == kNone || id == replayed_main;
    replay_lists_end(id, lost && on_main, true);
  }
  by_index.clear();
  replayed_main = kNone;
}

std::vector<CommandIndex> Scheduler::State::restored() {
  if (!restoring) return {};
  end_attempt(true);
  restoring = false;
  for (uint32_t i = 0; i < commands.size(); ++i)
    if (commands[i].state == CommandState::kWaiting) enqueue(i);
  std::sort(poisoned_by_end.begin(), poisoned_by_end.end());
  poisoned_by_end.erase(std::unique(poisoned_by_end.begin(), poisoned_by_end.end()),
                        poisoned_by_end.end());
  std::vector<CommandIndex> poisoned;
  for (const uint32_t i : poisoned_by_end)
    if (commands[i].state == CommandState::kPoisoned) poisoned.emplace_back(i);
  poisoned_by_end = {};
  return poisoned;
}

}  // namespace mnp::model
