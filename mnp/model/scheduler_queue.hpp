// The commands that may be dealt now, in the order of dealing: to everybody, or by fixed slices.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mnp/model/scheduler_bits.hpp"

namespace mnp::model {

/// Slice i of n over `total` commands: [slice_begin(total, i, n), slice_begin(total, i + 1, n)).
uint32_t slice_begin(uint32_t total, uint32_t i, uint32_t n);
/// The slice that `command` is in.
uint32_t slice_of(uint32_t total, uint32_t command, uint32_t n);

/// Memory: a bit a command and set; with costs 8 bytes a command more.
class CommandQueue {
 public:
  /// All commands are in it. `costs`: empty for list order, else the highest first, equal ones in
  /// list order, unknown ones (not above 0) as the mean of the known. `slices` 0: no slices;
  /// otherwise the order holds within each slice.
  CommandQueue(uint32_t commands, const std::vector<double>& costs, uint32_t slices);

  void insert(uint32_t command);
  void erase(uint32_t command);
  bool contains(uint32_t command) const;
  void clear();

  /// The next command that any node may run.
  std::optional<uint32_t> pop_shared();
  /// The next command of a slice that is not released.
  std::optional<uint32_t> pop_slice(uint32_t slice);
  /// What is left of the slice, and what comes back to it, is for everybody.
  void release(uint32_t slice);

  uint32_t shared_size() const { return shared_.count(); }
  uint32_t slice_size(uint32_t slice) const {  // 0 for a slice that is released or does not exist
    return slice < slice_left_.size() ? slice_left_[slice] : 0;
  }
  /// The slice that keeps this command for its node; nothing when everybody may run it.
  std::optional<uint32_t> reserved_slice(uint32_t command) const;

 private:
  void sort(const std::vector<double>& costs);
  uint32_t rank(uint32_t command) const { return ranks_.empty() ? command : ranks_[command]; }
  uint32_t command_at(uint32_t rank) const { return order_.empty() ? rank : order_[rank]; }

  const uint32_t commands_;
  const uint32_t slices_;
  std::vector<uint32_t> order_, ranks_;  // rank -> command, command -> rank; empty: the same
  BitTree shared_, sliced_;              // of ranks
  std::vector<uint32_t> slice_left_;
  std::vector<bool> released_;
};

}  // namespace mnp::model
