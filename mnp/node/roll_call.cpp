#include "mnp/node/roll_call.hpp"

#include <utility>

namespace mnp::node {

void RollCall::begin(const std::vector<NodeIndex>& nodes, NodeIndex main,
                     std::function<void()> all_here) {
  ++number_;
  silent_ = {nodes.begin(), nodes.end()};
  silent_.erase(main);
  all_here_ = std::move(all_here);
  for (const NodeIndex node : silent_) roster_.send(node, Control::kPing, encode_u64(number_));
  tell_if_all();
}

void RollCall::heard(NodeIndex node, const std::string& payload) {
  const auto number = decode_u64(payload);
  if (!number || *number != number_) return;
  silent_.erase(node);
  tell_if_all();
}

void RollCall::tell_if_all() {
  if (!silent_.empty()) return;
  if (const auto all_here = std::exchange(all_here_, nullptr)) all_here();
}

}  // namespace mnp::node
