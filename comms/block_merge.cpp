#include "comms/block_merge.hpp"

#include <algorithm>

namespace mnp::comms {

BlockMerge::BlockMerge(const ReduceKernel& kernel, size_t elements, LocalReduction& own,
                       const std::vector<bool>& contributes)
    : kernel_(kernel), elements_(elements), own_(own) {
  for (const bool child : contributes) children_.push_back({child, 0, {}});
}

Status BlockMerge::take(size_t child, std::string block) {
  Child& from = children_.at(child);
  const size_t elements = block.size() / kernel_.accumulator_bytes;
  if (!from.contributes || from.taken >= elements_ ||
      block.size() % kernel_.accumulator_bytes != 0 ||
      elements != std::min(kReduceBlockElements, elements_ - from.taken))
    return fail(Code::kProtocol, "a block of a reduction has a wrong size");
  from.taken += elements;
  from.waiting.push_back(std::move(block));
  return {};
}

bool BlockMerge::all_there() const {
  return (own_block_ || own_.empty()) &&
         std::all_of(children_.begin(), children_.end(), [](const Child& child) {
           return !child.contributes || !child.waiting.empty();
         });
}

Result<bool> BlockMerge::step() {
  if (finished() || merged_) return false;
  bool moved = false;
  if (!own_block_ && !own_.empty()) {
    MNP_TRY(const bool whole, own_.add_some(kernel_, first_, count()));
    if (whole) own_block_ = own_.take_block();
    moved = true;
  }
  if (!all_there()) return moved;
  std::optional<std::string> result = std::exchange(own_block_, std::nullopt);
  for (Child& child : children_) {
    if (!child.contributes) continue;
    if (result) {
      kernel_.merge(result->data(), child.waiting.front().data(), count());
    } else {
      result = std::move(child.waiting.front());
    }
    child.waiting.pop_front();
  }
  MNP_ASSERT(result, "a block that nobody contributes to");
  merged_ = std::move(result);
  return true;
}

std::optional<std::string> BlockMerge::merged() {
  if (!merged_) return std::nullopt;
  first_ += count();
  return std::exchange(merged_, std::nullopt);
}

}  // namespace mnp::comms
