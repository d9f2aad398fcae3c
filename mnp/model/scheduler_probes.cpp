// Probes: commands that failed on a node which may be bad are tried once on another.
#include <algorithm>

#include "mnp/model/scheduler_state.hpp"

namespace mnp::model {

Scheduler::State::Probe* Scheduler::State::find_probe(uint32_t i) {
  for (Probe& probe : probes)
    if (probe.command == i) return &probe;
  return nullptr;
}

void Scheduler::State::end_probe(uint32_t i) {
  std::erase_if(probes, [i](const Probe& probe) { return probe.command == i; });
}

bool Scheduler::State::probe(uint32_t i, uint32_t not_on) {
  if (i >= commands.size() || not_on == kNone || !dealing()) return false;
  Command& command = commands[i];
  const CommandState was = command.state;
  if (was != CommandState::kFailed && was != CommandState::kTimedOut) return false;
  const bool elsewhere = !failed_also_on.empty() && failed_also_on[i] != kNone;
  if (failed_on.empty() || failed_on[i] != not_on || elsewhere) return false;
  if (!other_than(not_on)) return false;
  set_state(i, CommandState::kWaiting);
  command.queued = true;
  probes.push_back({i, not_on, was, true});
  return true;
}

bool Scheduler::State::other_than(uint32_t id) const {
  return usable > (nodes[id].usable() ? 1U : 0U);
}

/// The node, but for one, that has least to do for its slots: they are seldom idle while there is
/// work, and a probe must not wait for the end of the list.
uint32_t Scheduler::State::least_busy_but(uint32_t not_on) const {
  uint32_t best = kNone;
  for (uint32_t id = 0; id < nodes.size(); ++id) {
    const Node& node = nodes[id];
    if (id == not_on || !node.dealable() || node.ran >= kMaxUnkept || node.slots == 0) continue;
    if (best == kNone ||
        uint64_t{node.in_flight} * nodes[best].slots < uint64_t{nodes[best].in_flight} * node.slots)
      best = id;
  }
  return best;
}

/// One that no other node is left for has failed again.
void Scheduler::State::settle_probes() {
  std::erase_if(probes, [this](const Probe& probe) {
    Command& command = commands[probe.command];
    const bool waiting = command.state == CommandState::kWaiting;
    if (!probe.ready || (waiting && other_than(probe.not_on))) return false;
    if (waiting) set_state(probe.command, probe.was);
    command.queued = false;
    return true;
  });
}

void Scheduler::State::deal_probes(Deals& deals) {
  const bool ahead = options.on_failure != OnFailure::kStop;
  for (Probe& probe : probes) {
    if (!probe.ready) continue;
    const uint32_t id = least_busy_but(probe.not_on);
    if (id == kNone || (!ahead && nodes[id].idle == 0)) continue;
    give(id, probe.command, deals);
    update_idle(nodes[id]);
    probe.ready = false;
  }
}

}  // namespace mnp::model
