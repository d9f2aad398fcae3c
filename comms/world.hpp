// Which node each rank of this MPI world speaks for. Rank 0 is main's.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "mnp/core/ids.hpp"
#include "mnp/core/result.hpp"

namespace mnp::comms {

inline constexpr Rank kMainRank{0};

class World {
 public:
  /// `nodes` by rank. kMpi when two ranks speak for one node.
  static Result<World> create(Rank own, const std::vector<uint32_t>& nodes);

  Rank rank() const { return rank_; }
  bool is_main() const { return rank_ == kMainRank; }
  uint32_t size() const { return static_cast<uint32_t>(nodes_.size()); }
  NodeIndex node() const { return node_of(rank_); }
  NodeIndex node_of(Rank rank) const { return nodes_.at(static_cast<size_t>(rank.value())); }
  /// nullopt: the node is not in this world.
  std::optional<Rank> rank_of(NodeIndex node) const;

  /// The tree along which collectives travel: rank r hands on to 2r + 1 and 2r + 2. Two children
  /// keep main's link at twice the data, whatever the number of nodes.
  std::optional<Rank> parent() const;
  std::vector<Rank> children() const;

 private:
  World() = default;
  Rank rank_;
  std::vector<NodeIndex> nodes_;
  std::map<NodeIndex, Rank> ranks_;
};

}  // namespace mnp::comms
