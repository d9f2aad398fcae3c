#include "comms/world.hpp"

#include <fmt/format.h>

namespace mnp::comms {

Result<World> World::create(Rank own, const std::vector<uint32_t>& nodes) {
  World world;
  world.rank_ = own;
  for (const uint32_t node : nodes) {
    const Rank rank(static_cast<int32_t>(world.nodes_.size()));
    const auto [other, fresh] = world.ranks_.emplace(NodeIndex(node), rank);
    if (!fresh)
      return fail(Code::kMpi, fmt::format("ranks {} and {} both speak for node {}",
                                          other->second.value(), rank.value(), node));
    world.nodes_.push_back(NodeIndex(node));
  }
  return world;
}

std::optional<Rank> World::rank_of(NodeIndex node) const {
  const auto found = ranks_.find(node);
  if (found == ranks_.end()) return std::nullopt;
  return found->second;
}

std::optional<Rank> World::parent() const {
  if (is_main()) return std::nullopt;
  return Rank((rank_.value() - 1) / 2);
}

std::vector<Rank> World::children() const {
  std::vector<Rank> children;
  const int64_t first = 2 * int64_t{rank_.value()} + 1;
  for (int64_t child = first; child <= first + 1 && child < int64_t{size()}; ++child)
    children.push_back(Rank(static_cast<int32_t>(child)));
  return children;
}

}  // namespace mnp::comms
