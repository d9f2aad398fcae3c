// What stages hand on: processed projections in blocks of consecutive angles, two files a block.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "examples/tomography/scan.hpp"

namespace tomo {

/// `projections-0016.npy` f4 [angle, row, column] and `degrees-0016.npy` f4 [angle], called after
/// the number of the block's first angle.
struct Block {
  size_t first = 0;  // angle
  size_t rows = 0, columns = 0;
  std::vector<float> degrees;      // [angle]
  std::vector<float> projections;  // [angle, row, column]

  size_t count() const { return degrees.size(); }
  float* line(size_t angle, size_t row) {
    return projections.data() + (angle * rows + row) * columns;
  }
  const float* line(size_t angle, size_t row) const {
    return projections.data() + (angle * rows + row) * columns;
  }
};

Status write_block(const fs::path& folder, const Block& block);
Result<Block> read_block(const fs::path& folder, size_t first);
/// The first angles of all blocks in the folder, ascending.
Result<std::vector<size_t>> list_blocks(const fs::path& folder);

/// One row's sinogram, in the order of the blocks.
struct Sinogram {
  size_t columns = 0;
  std::vector<float> degrees;  // [angle]
  std::vector<float> values;   // [angle, column]
};
/// The row out of every block in the folder.
Result<Sinogram> gather_row(const fs::path& folder, size_t row);
/// The row out of one block.
Sinogram row_of(const Block& block, size_t row);

}  // namespace tomo
