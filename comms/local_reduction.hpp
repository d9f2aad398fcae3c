// A reduction over the .npy files of one node, block by block in bounded memory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "comms/array_shape.hpp"
#include "comms/reduce_kernel.hpp"

namespace mnp::comms {

class LocalReduction {
 public:
  static constexpr size_t kHeadersAStep = 16;
  static constexpr size_t kBytesAStep = size_t{4} << 20;  // read from files, about

  /// `files` are taken in this order, so that the same files always give the same bits.
  LocalReduction(NodeIndex node, std::vector<std::string> files);

  /// Looks at some more headers; true when all are of one shape. kConfig names two that differ.
  Result<bool> check_some();
  bool empty() const { return files_.empty(); }
  /// Of all files, once they have been checked; there must be files.
  const ArrayShape& shape() const { return *shape_; }

  /// Reads some more files into elements [first, first + count); true when `block()` holds the
  /// accumulators of all. Then the next block may begin.
  Result<bool> add_some(const ReduceKernel& kernel, size_t first, size_t count);
  /// The accumulators, taken.
  std::string take_block() { return std::move(block_); }

 private:
  Status read(size_t file, size_t offset, size_t bytes);

  const NodeIndex node_;
  const std::vector<std::string> files_;
  std::vector<size_t> data_offsets_;  // of the files that have been checked
  std::optional<ArrayShape> shape_;
  size_t next_file_ = 0;  // of the current block
  std::string values_, block_;
};

}  // namespace mnp::comms
