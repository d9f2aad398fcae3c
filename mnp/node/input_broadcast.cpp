#include "mnp/node/input_broadcast.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "mnp/node/broadcast_source.hpp"

namespace mnp::node {
namespace {

constexpr uint64_t kInputsInId = 4096;  // an id: epoch times this, and the input's number

uint64_t id_of(EpochNumber epoch, size_t input) {
  return epoch.value() * kInputsInId + input;
}

}  // namespace

std::optional<Arrival> arrival_of(const model::StageSpec& spec, uint64_t id) {
  const uint64_t number = id % kInputsInId;
  if (number >= spec.inputs.size()) return std::nullopt;
  const std::string& name = spec.inputs[number].name;
  return Arrival{name, fmt::format("{}.{}", name, id / kInputsInId)};
}

bool InputBroadcast::any() const {
  const auto& inputs = context_.spec().inputs;
  return std::any_of(inputs.begin(), inputs.end(),
                     [](const model::Input& input) { return input.broadcast; });
}

bool InputBroadcast::all_hold(const std::vector<NodeIndex>& nodes) const {
  return !any() || std::all_of(nodes.begin(), nodes.end(), [this](NodeIndex node) {
    return node == context_.me.index || supplied_.count(node) > 0;
  });
}

void InputBroadcast::begin(EpochNumber epoch, std::vector<NodeIndex> members) {
  missing_.clear();
  members_ = std::move(members);
  const auto& inputs = context_.spec().inputs;
  const bool all = all_hold(members_);
  for (size_t i = 0; i < inputs.size() && !all; ++i) {
    if (!inputs[i].broadcast) continue;
    model::BroadcastOrder order;
    order.id = id_of(epoch, i);
    auto source = broadcast_source(context_.scratch.inputs() / inputs[i].name);
    if (!source) return callbacks_.failed(source.error());
    order.source = std::move(*source);
    order.name = arrival_of(context_.spec(), order.id)->folder;
    missing_[order.id].insert(members_.begin(), members_.end());
    callbacks_.order(order);
  }
  if (missing_.empty()) callbacks_.held();
}

void InputBroadcast::done(const model::CollectiveDone& done) {
  if (missing_.count(done.id) == 0) return;
  if (!done.error.empty())
    return callbacks_.failed(
        Error{static_cast<Code>(done.code), "broadcast of an input: " + done.error});
  held(context_.me.index, done.id);
}

void InputBroadcast::held(NodeIndex node, uint64_t id) {
  const auto found = missing_.find(id);
  if (found == missing_.end()) return;
  found->second.erase(node);
  if (!found->second.empty()) return;
  missing_.erase(found);
  if (!missing_.empty()) return;
  supplied_.insert(members_.begin(), members_.end());
  callbacks_.held();
}

}  // namespace mnp::node
