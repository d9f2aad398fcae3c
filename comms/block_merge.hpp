// One block after the other of a reduction's accumulators: this node's own, and those of the
// subtrees below it, always merged in this order.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "comms/local_reduction.hpp"

namespace mnp::comms {

inline constexpr size_t kReduceBlockElements = size_t{128} << 10;  // 1 MiB of doubles

class BlockMerge {
 public:
  static constexpr size_t kMaxWaiting = 2;  // blocks of one child

  /// `own` may be empty and outlives this; `contributes` says which children send blocks.
  BlockMerge(const ReduceKernel& kernel, size_t elements, LocalReduction& own,
             const std::vector<bool>& contributes);

  /// Whether another block of the child may be taken.
  bool wants(size_t child) const { return children_[child].waiting.size() < kMaxWaiting; }
  /// kProtocol for a block that nobody expects or of a wrong size.
  Status take(size_t child, std::string block);

  /// Works on the next block; false when it can only wait.
  Result<bool> step();
  /// The next block once it is merged, taken.
  std::optional<std::string> merged();
  bool finished() const { return first_ == elements_; }
  /// Elements before the next block, and in it.
  size_t first() const { return first_; }
  size_t count() const { return std::min(kReduceBlockElements, elements_ - first_); }

 private:
  struct Child {
    bool contributes = false;
    size_t taken = 0;  // elements in blocks so far
    std::deque<std::string> waiting;
  };
  bool all_there() const;

  const ReduceKernel kernel_;
  const size_t elements_;
  LocalReduction& own_;
  std::vector<Child> children_;
  size_t first_ = 0;
  std::optional<std::string> own_block_, merged_;
};

}  // namespace mnp::comms
