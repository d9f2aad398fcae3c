// Dealing: which node gets how many of the waiting commands.
//
// A call costs as much as there are nodes that may have room (`ready`), and touches the others that
// have idle slots (`starved`) only when there is something for them.
#include <algorithm>

#include "mnp/model/scheduler_state.hpp"

namespace mnp::model {

std::vector<Scheduler::NodeDeal> Scheduler::State::deal(TimePoint now) {
  Deals deals;
  wake(now);
  if (!dealing()) return {};
  settle_probes();
  if (!dealing()) return {};  // with a failure that stands again
  deal_suspects(deals);
  deal_probes(deals);
  deal_all(now, false, deals);
  // What is left while slots are idle are retries on the node that they failed on: nobody else has
  // a slot for them now.
  if (shared_work() > 0 && !starved.empty()) deal_all(now, true, deals);
  for (const uint32_t id : deals.nodes)
    if (id != kNone) nodes[id].deal = 0;
  return std::move(deals.list);
}

void Scheduler::State::deal_all(TimePoint now, bool last_resort, Deals& deals) {
  std::vector<uint32_t> hungry;
  const auto serve = [&](uint32_t id) {
    nodes[id].place = Place::kNowhere;
    if (!nodes[id].dealable()) return;
    fill(id, now, last_resort, deals);
    if (nodes[id].idle > 0) hungry.push_back(id);
  };
  candidates.clear();
  candidates.swap(ready);
  for (const uint32_t id : candidates) serve(id);
  while (!starved.empty() && shared_work() > 0) {
    const uint32_t id = starved.back();
    starved.pop_back();
    serve(id);
  }
  for (const uint32_t id : hungry) make_starved(id);
}

void Scheduler::State::fill(uint32_t id, TimePoint now, bool last_resort, Deals& deals) {
  Node& node = nodes[id];
  uint64_t free = last_resort ? node.idle : room(node, now);
  for (; free > 0; --free) {
    const auto command = queue.pop_slice(node.index.value());
    if (!command) break;
    give(id, *command, deals);
  }
  update_idle(node);
  if (free == 0 || shared_work() == 0) return;
  if (!last_resort) free = std::min(free, fair_share(node));
  for (; free > 0; --free) {
    const uint32_t command = next_shared(id, last_resort || usable == 1);
    if (command == kNone) break;
    give(id, command, deals);
  }
  update_idle(node);
}

/// How many commands more the node may hold. Sets the mark below which it is looked at again: a
/// quarter of the prefetch at once is worth a message.
uint64_t Scheduler::State::room(Node& node, TimePoint now) {
  node.pace.sample(now);
  const bool ahead = options.on_failure != OnFailure::kStop;
  const uint32_t own = queue.slice_size(node.index.value());
  const double share = static_cast<double>(node.slots) * static_cast<double>(shared_work()) /
                       static_cast<double>(std::max<uint64_t>(slots, 1));
  const double seconds = node.pace.command_seconds(node.slots);
  // Nobody else may take what is in the node's own slice: all of it is its share.
  const uint32_t extra = !ahead ? 0
                                : std::max(prefetch(seconds, node.slots, share, spread.value()),
                                           prefetch(seconds, node.slots, 2.0 * own, 1));
  const uint32_t most = std::min(node.slots + extra, kMaxUnkept - std::min(kMaxUnkept, node.ran));
  const uint32_t batch = std::max<uint32_t>(extra / 4, 1);
  node.refill_at = most - std::min(most, batch);
  if (node.in_flight >= most) return 0;
  if (node.in_flight > node.refill_at && node.idle == 0) return 0;
  return most - node.in_flight;
}

/// Of the work for everybody: all idle slots come before prefetch for any node, and when there is
/// less work than idle slots each node gets its part of it, rounded up.
uint64_t Scheduler::State::fair_share(const Node& node) const {
  const uint64_t work = shared_work();
  if (work > idle_slots) return node.idle + (work - idle_slots);
  return (work * node.idle + idle_slots - 1) / std::max<uint64_t>(idle_slots, 1);
}

uint32_t Scheduler::State::next_shared(uint32_t id, bool own_retries) {
  const uint32_t retry = next_retry(id, own_retries);
  if (retry != kNone) return retry;
  return queue.pop_shared().value_or(kNone);
}

/// A retry that did not fail on this node, as far as the first few tell; or any.
uint32_t Scheduler::State::next_retry(uint32_t id, bool own_retries) {
  for (size_t i = 0; i < std::min(retries.size(), kMaxRetryScan);) {
    const uint32_t command = retries[i];
    const bool waiting = commands[command].state == CommandState::kWaiting;
    if (waiting && commands[command].node == id && !own_retries) {
      ++i;
      continue;
    }
    retries.erase(retries.begin() + static_cast<std::ptrdiff_t>(i));
    if (waiting) return command;
    commands[command].queued = false;
  }
  return kNone;
}

void Scheduler::State::give(uint32_t id, uint32_t i, Deals& deals) {
  Command& command = commands[i];
  Node& node = nodes[id];
  if (node.deal == 0) {
    deals.list.push_back({node.index, node.incarnation, false, {}});
    deals.nodes.push_back(id);
    node.deal = static_cast<uint32_t>(deals.list.size());
  }
  set_state(i, CommandState::kInFlight);
  ++command.start;
  command.queued = command.recorded = false;
  command.busy = true;
  hold(i, id);
  ++node.in_flight;
  deals.list[node.deal - 1].items.push_back({CommandIndex(i), command.start});
}

}  // namespace mnp::model
