// Inputs that main reads once for all nodes: which nodes hold them, and what is on its way.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mnp/model/rank_link.hpp"
#include "mnp/node/context.hpp"

namespace mnp::node {

/// What a broadcast brings to a node: its id says which input, in which epoch.
struct Arrival {
  std::string input;   // name
  std::string folder;  // below Scratch::received(): a file or a folder of this name
};
/// nullopt: `id` is of no input.
std::optional<Arrival> arrival_of(const model::StageSpec& spec, uint64_t id);

/// That all ranks have the files is not enough: an agent that has not heard it from its rank yet
/// would not hear it any more once the epoch has ended. So every agent has to say it.
class InputBroadcast {
 public:
  struct Callbacks {
    std::function<void(const model::BroadcastOrder&)> order;  // for main's rank
    std::function<void()> held;                               // by every node of the epoch
    std::function<void(const Error&)> failed;
  };
  InputBroadcast(const Context& context, Callbacks callbacks)
      : context_(context), callbacks_(std::move(callbacks)) {}

  /// Orders what a node of this epoch does not hold yet; where there is nothing, says `held`.
  void begin(EpochNumber epoch, std::vector<NodeIndex> members);
  /// The epoch has ended, and all orders with it.
  void interrupt() { missing_.clear(); }
  bool under_way() const { return !missing_.empty(); }
  /// Main's rank has done an order.
  void done(const model::CollectiveDone& done);
  /// A node's agent holds what the broadcast `id` brought.
  void held(NodeIndex node, uint64_t id);
  void lost(NodeIndex node) { supplied_.erase(node); }

  /// The stage has such inputs.
  bool any() const;
  bool all_hold(const std::vector<NodeIndex>& nodes) const;

 private:
  const Context& context_;
  const Callbacks callbacks_;
  std::vector<NodeIndex> members_;
  std::set<NodeIndex> supplied_;                     // hold every input, beside main
  std::map<uint64_t, std::set<NodeIndex>> missing_;  // by broadcast: who does not hold it yet
};

}  // namespace mnp::node
