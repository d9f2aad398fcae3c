#include "mnp/model/scheduler_bits.hpp"

#include <algorithm>
#include <bit>

namespace mnp::model {

BitTree::BitTree(uint32_t size) : size_(size) {
  size_t words = size;
  do {
    words = std::max<size_t>((words + 63) / 64, 1);
    levels_.emplace_back(words, 0);
  } while (words > 1);
}

void BitTree::insert(uint32_t number) {
  if (contains(number)) return;
  ++count_;
  for (auto& level : levels_) {
    uint64_t& word = level[number / 64];
    const bool known = word != 0;  // then the levels above know it too
    word |= uint64_t{1} << (number % 64);
    if (known) return;
    number /= 64;
  }
}

void BitTree::erase(uint32_t number) {
  if (!contains(number)) return;
  --count_;
  for (auto& level : levels_) {
    uint64_t& word = level[number / 64];
    word &= ~(uint64_t{1} << (number % 64));
    if (word != 0) return;
    number /= 64;
  }
}

void BitTree::fill() {
  count_ = size_;
  size_t bits = size_;
  for (auto& level : levels_) {
    std::fill(level.begin(), level.end(), 0);
    std::fill_n(level.begin(), bits / 64, ~uint64_t{0});
    if (bits % 64 != 0) level[bits / 64] = (uint64_t{1} << (bits % 64)) - 1;
    bits = (bits + 63) / 64;
  }
}

void BitTree::clear() {
  count_ = 0;
  for (auto& level : levels_) std::fill(level.begin(), level.end(), 0);
}

uint32_t BitTree::first(uint32_t from) const {
  size_t at = from;
  for (size_t level = 0; level < levels_.size(); ++level) {
    const size_t word = at / 64;
    if (word >= levels_[level].size()) return kNone;
    const uint64_t bits = levels_[level][word] & (~uint64_t{0} << (at % 64));
    if (bits == 0) {
      at = word + 1;
      continue;
    }
    at = word * 64 + static_cast<size_t>(std::countr_zero(bits));
    while (level-- > 0) at = at * 64 + static_cast<size_t>(std::countr_zero(levels_[level][at]));
    return static_cast<uint32_t>(at);
  }
  return kNone;
}

}  // namespace mnp::model
