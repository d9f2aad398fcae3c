#include "mnp/model/node_health.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace mnp::model {

void NodeHealth::ended(NodeIndex index, CommandIndex command, bool success) {
  const bool known = hear_elsewhere(index, command, success);
  Node& node = nodes_[index];
  if (node.bad) return;
  if (success) return succeeded(node, index);
  ++node.failures;
  if (streaking_.count(index) == 0) ++well_failures_;
  if (!known) failed(node, index, command);
}

/// A command of another node's streak has ended here. True: it has failed elsewhere before.
bool NodeHealth::hear_elsewhere(NodeIndex index, CommandIndex command, bool success) {
  const auto found = failed_on_.find(command.value());
  if (found == failed_on_.end()) return false;
  if (found->second == index) return true;  // one more try there
  const NodeIndex other = found->second;
  Node& node = nodes_.at(other);
  const bool probed = node.probing == command;
  failed_on_.erase(found);
  std::erase(node.held, command);
  if (success) {
    node.proof = index;
    node.proved = command;
    if (probed) node.probing.reset();
    probed ? declare(node, other) : consider(node, other);
    return true;
  }
  if (probed) {
    node.wanted = std::min(node.wanted * 2, UINT32_MAX / 2);
    end_streak(node, other);
  } else if (--node.streak == kStreak - 1) {
    streaking_.erase(other);
    well_successes_ += node.successes;
    well_failures_ += node.failures;
  }
  return true;
}

void NodeHealth::succeeded(Node& node, NodeIndex index) {
  end_streak(node, index);
  ++node.successes;
  ++successes_;
  ++well_successes_;
  for (const NodeIndex other : std::set(streaking_)) consider(nodes_.at(other), other);
}

void NodeHealth::failed(Node& node, NodeIndex index, CommandIndex command) {
  if (node.streak == 0) node.others_before = successes_;
  ++node.streak;
  if (node.held.size() < kMaxHeld) {
    node.held.push_back(command);
    failed_on_.emplace(command.value(), index);
  }
  if (node.streak < kStreak) return;
  if (streaking_.insert(index).second) {
    well_successes_ -= node.successes;
    well_failures_ -= node.failures;
  }
  consider(node, index);
}

/// The others succeed, now as well, and so seldom fail that the streak is no chance.
bool NodeHealth::suspected(const Node& node) const {
  if (node.streak < node.wanted || successes_ == node.others_before) return false;
  const double rate = static_cast<double>(well_failures_ + 1) /
                      static_cast<double>(well_successes_ + well_failures_ + 2);
  return rate <= kFarLower && node.streak * std::log(rate) <= std::log(kByChance);
}

void NodeHealth::consider(Node& node, NodeIndex index) {
  if (node.bad || node.probing || !suspected(node)) return;
  if (node.proof) return declare(node, index);
  if (node.probes_left == 0 || node.held.empty()) return;
  --node.probes_left;
  node.probing = node.held.back();
  node.held.pop_back();
  wanted_.push_back({index, *node.probing});
}

void NodeHealth::declare(Node& node, NodeIndex index) {
  node.bad = true;
  bad_.push_back(
      {index, fmt::format("{} commands in a row have failed on it while others succeed elsewhere; "
                          "command {} failed on it and succeeded on node {}",
                          node.streak, node.proved.value(), node.proof->value())});
  end_streak(node, index);
  // What it has done says nothing of the others.
  well_successes_ -= node.successes;
  well_failures_ -= node.failures;
}

void NodeHealth::end_streak(Node& node, NodeIndex index) {
  if (streaking_.erase(index) > 0) {
    well_successes_ += node.successes;
    well_failures_ += node.failures;
  }
  for (const CommandIndex command : node.held) failed_on_.erase(command.value());
  if (node.probing) failed_on_.erase(node.probing->value());
  std::erase_if(wanted_, [&](const Probe& probe) { return probe.node == index; });
  node.held.clear();
  node.probing.reset();
  node.proof.reset();
  node.streak = 0;
  node.probes_left = kMaxProbes;
}

void NodeHealth::gone(NodeIndex index) {
  const auto found = nodes_.find(index);
  if (found != nodes_.end()) end_streak(found->second, index);
}

std::optional<NodeHealth::Probe> NodeHealth::next_probe() {
  if (wanted_.empty()) return std::nullopt;
  const Probe probe = wanted_.back();
  wanted_.pop_back();
  return probe;
}

void NodeHealth::give_up(const Probe& probe) {
  Node& node = nodes_.at(probe.node);
  if (node.probing != probe.command) return;
  node.probing.reset();
  failed_on_.erase(probe.command.value());
  consider(node, probe.node);
}

std::vector<NodeHealth::Probe> NodeHealth::probes() const {
  std::vector<Probe> list;
  for (const NodeIndex index : streaking_)
    if (const auto& probing = nodes_.at(index).probing) list.push_back({index, *probing});
  return list;
}

std::optional<NodeHealth::Bad> NodeHealth::next_bad() {
  if (bad_.empty()) return std::nullopt;
  Bad bad = std::move(bad_.back());
  bad_.pop_back();
  return bad;
}

}  // namespace mnp::model
