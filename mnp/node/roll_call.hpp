// Asks nodes whether they live at this moment, when something failed that the loss of one of them
// may explain: a node that is gone is noticed only when it has been silent for a lease.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "mnp/node/roster.hpp"

namespace mnp::node {

/// Lives in main's loop. A node that does not answer is the roster's to find: it is lost once it
/// has been silent for a lease, and whoever hears of that cancels the call. So no call waits for
/// ever.
class RollCall {
 public:
  explicit RollCall(Roster& roster) : roster_(roster) {}

  /// `all_here` once every one of `nodes` but main has answered; at once where there is none.
  void begin(const std::vector<NodeIndex>& nodes, NodeIndex main, std::function<void()> all_here);
  /// A node's answer.
  void heard(NodeIndex node, const std::string& payload);
  void cancel() { all_here_ = nullptr; }

 private:
  void tell_if_all();

  Roster& roster_;
  uint64_t number_ = 0;
  std::set<NodeIndex> silent_;
  std::function<void()> all_here_;
};

}  // namespace mnp::node
