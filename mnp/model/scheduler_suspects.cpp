// Suspects: commands under which a node has died twice run alone on a node, a child where there is
// one. Up to half of the children (at least one) are set apart for them while there are any.
#include <algorithm>

#include "mnp/model/scheduler_state.hpp"

namespace mnp::model {

void Scheduler::State::deal_suspects(Deals& deals) {
  std::erase_if(suspects, [this](uint32_t i) {
    const bool gone = commands[i].state != CommandState::kWaiting;
    if (gone) commands[i].queued = false;
    return gone;
  });
  if (suspects.empty()) return end_reservations();
  reserve_for_suspects();
  for (const uint32_t id : reserved) {
    Node& node = nodes[id];
    // What ran and is not kept would seem to have run beside it, should main's journal be all that
    // is left.
    if (node.in_flight > 0 || node.ran > 0 || suspects.empty()) continue;
    const uint32_t command = suspects.front();
    suspects.pop_front();
    node.reserved = false;
    node.suspect = true;
    ++suspects_running;
    give(id, command, deals);
    deals.list.back().suspect = true;
    update_idle(node);
  }
  std::erase_if(reserved, [this](uint32_t id) { return !nodes[id].reserved; });
}

/// The nodes that have least in flight. The main node only when it has no child and nothing else to
/// do: its death would end the attempt.
void Scheduler::State::reserve_for_suspects() {
  const bool on_main = children == 0;
  if (!on_main) release_main();
  if (on_main && !only_suspects_left()) return;
  const size_t lanes = on_main ? 1 : std::min<size_t>((children + 1) / 2, kMaxSuspectNodes);
  while (reserved.size() < suspects.size() && reserved.size() + suspects_running < lanes) {
    uint32_t best = kNone;
    for (uint32_t id = 0; id < nodes.size(); ++id) {
      if (!nodes[id].dealable() || nodes[id].main != on_main) continue;
      if (best == kNone || nodes[id].in_flight < nodes[best].in_flight) best = id;
    }
    if (best == kNone) return;
    nodes[best].reserved = true;
    update_idle(nodes[best]);
    reserved.push_back(best);
  }
}

/// It was kept free while there was no child.
void Scheduler::State::release_main() {
  std::erase_if(reserved, [this](uint32_t id) {
    if (!nodes[id].main) return false;
    nodes[id].reserved = false;
    update_idle(nodes[id]);
    make_ready(id);
    return true;
  });
}

void Scheduler::State::end_reservations() {
  for (const uint32_t id : reserved) {
    nodes[id].reserved = false;
    update_idle(nodes[id]);
    make_ready(id);
  }
  reserved.clear();
}

bool Scheduler::State::only_suspects_left() const {
  return count(CommandState::kWaiting) == suspects.size() && count(CommandState::kInFlight) == 0;
}

}  // namespace mnp::model
