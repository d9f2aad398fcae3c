// Nodes come, go and turn bad; what they hold goes back to waiting.
#include <algorithm>

#include "mnp/core/result.hpp"
#include "mnp/model/scheduler_state.hpp"

namespace mnp::model {

uint32_t Scheduler::State::find(NodeIndex index) const {
  const auto found = by_index.find(index.value());
  return found == by_index.end() ? kNone : found->second;
}

uint32_t Scheduler::State::find_live(NodeIndex index, Incarnation incarnation) const {
  const uint32_t id = find(index);
  if (id == kNone || !nodes[id].alive || nodes[id].incarnation != incarnation) return kNone;
  return id;
}

uint32_t Scheduler::State::find_or_add(NodeIndex index) {
  const auto [entry, fresh] =
      by_index.try_emplace(index.value(), static_cast<uint32_t>(nodes.size()));
  if (fresh) nodes.emplace_back().index = index;
  return entry->second;
}

void Scheduler::State::hold(uint32_t i, uint32_t id) {
  Command& command = commands[i];
  Node& node = nodes[id];
  command.held = true;
  command.node = id;
  command.previous = kNone;
  command.next = node.first;
  if (node.first != kNone) commands[node.first].previous = i;
  node.first = i;
}

void Scheduler::State::let_go(uint32_t i) {
  Command& command = commands[i];
  if (command.next != kNone) commands[command.next].previous = command.previous;
  if (command.previous != kNone) commands[command.previous].next = command.next;
  if (nodes[command.node].first == i) nodes[command.node].first = command.next;
  command.held = false;
}

void Scheduler::State::free_slot(uint32_t i) {
  Node& node = nodes[commands[i].node];
  commands[i].busy = false;
  --node.in_flight;
  ++node.ran;
  if (node.suspect) --suspects_running;
  node.suspect = false;
  update_idle(node);
}

void Scheduler::State::vacate(uint32_t i) {
  Command& command = commands[i];
  if (command.busy) free_slot(i);
  if (command.failing) --failing;
  command.failing = false;
  Node& node = nodes[command.node];
  --node.ran;
  let_go(i);
  update_idle(node);
}

void Scheduler::State::add_node(NodeIndex index, Incarnation incarnation, uint32_t slots_there,
                                bool is_main) {
  MNP_ASSERT(!restoring, "restored() comes before the first node");
  const uint32_t id = find_or_add(index);
  Node& node = nodes[id];
  MNP_ASSERT(!node.alive, "a node joins after its lower incarnation has ended");
  node.alive = true;
  node.incarnation = incarnation;
  node.slots = slots_there;
  node.main = is_main;
  node.refill_at = 0;
  node.pace.restart();
  take_census();
  make_ready(id);
}

std::vector<CommandIndex> Scheduler::State::end_node(uint32_t id, bool lost,
                                                     TimePoint deal_again_at) {
  std::vector<CommandIndex> poisoned;
  if (id == kNone || !nodes[id].alive) return poisoned;
  Node& node = nodes[id];
  node.alive = false;
  release_slice(node.index);
  while (node.first != kNone) {
    const uint32_t i = node.first;
    Command& command = commands[i];
    const bool busy = command.busy;
    vacate(i);
    if (command.state != CommandState::kInFlight && command.state != CommandState::kRan) continue;
    if (lost && busy && command.losses < kPoisonLosses) ++command.losses;
    if (command.losses >= kPoisonLosses) {
      set_state(i, CommandState::kPoisoned);
      poisoned.emplace_back(i);
      continue;
    }
    set_state(i, CommandState::kWaiting);
    lost ? delay(i, deal_again_at) : enqueue(i);
  }
  take_census();
  return poisoned;
}

void Scheduler::State::take_back(NodeIndex index, Incarnation incarnation, uint32_t i,
                                 uint32_t start) {
  const uint32_t id = find_live(index, incarnation);
  if (id == kNone || i >= commands.size()) return;
  const Command& command = commands[i];
  if (!command.busy || command.node != id || command.start != start) return;
  vacate(i);
  if (nodes[id].place == Place::kNowhere && nodes[id].idle > 0) make_ready(id);
  if (command.state != CommandState::kInFlight) return;  // an earlier start has been kept meanwhile
  set_state(i, CommandState::kWaiting);
  enqueue(i);
}

void Scheduler::State::declare_bad(NodeIndex index) {
  Node& node = nodes[find_or_add(index)];
  if (node.bad) return;
  node.bad = true;
  release_slice(index);
  take_census();
  reopen_failures();
}

/// A failure that has only been seen on bad nodes counts for nothing.
void Scheduler::State::reopen_failures() {
  for (uint32_t i = 0; i < failed_on.size(); ++i) {
    if (failed_on[i] == kNone || failed_on_good_node(i)) continue;
    forget_failures(i);
    const CommandState state = commands[i].state;
    if (state != CommandState::kFailed && state != CommandState::kTimedOut) continue;
    set_state(i, CommandState::kWaiting);
    enqueue(i);
  }
}

bool Scheduler::State::failed_on_good_node(uint32_t i) const {
  if (!nodes[failed_on[i]].bad) return true;
  const uint32_t also = failed_also_on.empty() ? kNone : failed_also_on[i];
  if (also == kNone) return false;
  if (!nodes[also].bad) return true;
  const auto further = failed_further.find(i);
  return further != failed_further.end() &&
         std::any_of(further->second.begin(), further->second.end(),
                     [this](uint32_t id) { return !nodes[id].bad; });
}

void Scheduler::State::note_failure(uint32_t i, uint32_t node) {
  if (failed_on.empty()) failed_on.resize(commands.size(), kNone);
  if (failed_on[i] == kNone) failed_on[i] = node;
  if (failed_on[i] == node) return;
  if (failed_also_on.empty()) failed_also_on.resize(commands.size(), kNone);
  if (failed_also_on[i] == kNone) failed_also_on[i] = node;
  if (failed_also_on[i] == node) return;
  std::vector<uint32_t>& further = failed_further[i];
  if (std::find(further.begin(), further.end(), node) == further.end()) further.push_back(node);
}

void Scheduler::State::forget_failures(uint32_t i) {
  commands[i].failures = 0;
  failed_further.erase(i);
  if (!failed_on.empty()) failed_on[i] = kNone;
  if (!failed_also_on.empty()) failed_also_on[i] = kNone;
}

void Scheduler::State::release_slice(NodeIndex index) {
  queue.release(index.value());
}

void Scheduler::State::update_idle(Node& node) {
  uint32_t idle = 0;
  if (node.dealable() && node.ran < kMaxUnkept) {
    const uint32_t most = std::min(node.slots, kMaxUnkept - node.ran);
    idle = most - std::min(most, node.in_flight);
  }
  idle_slots = idle_slots - node.idle + idle;
  node.idle = idle;
}

void Scheduler::State::make_ready(uint32_t id) {
  Node& node = nodes[id];
  if (node.place == Place::kReady) return;
  if (node.place == Place::kStarved) {
    nodes[starved.back()].position = node.position;
    starved[node.position] = starved.back();
    starved.pop_back();
  }
  node.place = Place::kReady;
  ready.push_back(id);
}

void Scheduler::State::make_starved(uint32_t id) {
  Node& node = nodes[id];
  node.place = Place::kStarved;
  node.position = static_cast<uint32_t>(starved.size());
  starved.push_back(id);
}

/// After nodes came, went or turned bad: rare, so it counts anew.
void Scheduler::State::take_census() {
  usable = children = 0;
  slots = 0;
  for (auto& node : nodes) {
    if (!node.usable()) node.reserved = false;
    update_idle(node);
    if (!node.usable()) continue;
    ++usable;
    slots += node.slots;
    if (!node.main) ++children;
  }
  std::erase_if(reserved, [this](uint32_t id) { return !nodes[id].reserved; });
}

}  // namespace mnp::model
