// A set of numbers below a fixed size: one bit each, and the smallest member in a few steps.
#pragma once

#include <cstdint>
#include <vector>

namespace mnp::model {

/// A tree of 64-bit words: a bit of level k + 1 says that a word of level k is not zero. Five
/// levels hold a billion numbers, so every operation is a handful of instructions.
class BitTree {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  BitTree() = default;
  explicit BitTree(uint32_t size);
  void insert(uint32_t number);  // nothing happens when it is there
  void erase(uint32_t number);   // nothing happens when it is not there
  void fill();
  void clear();
  bool contains(uint32_t number) const {
    return (levels_[0][number / 64] >> (number % 64) & 1) != 0;
  }
  /// The smallest member that is not below `from`, or kNone.
  uint32_t first(uint32_t from = 0) const;
  uint32_t count() const { return count_; }

 private:
  uint32_t size_ = 0;
  uint32_t count_ = 0;
  std::vector<std::vector<uint64_t>> levels_;
};

}  // namespace mnp::model
