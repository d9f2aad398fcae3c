#include <fmt/format.h>

#include "examples/tomography/blocks.hpp"
#include "examples/tomography/commands.hpp"
#include "examples/tomography/filter.hpp"

namespace tomo {
namespace {

/// Takes what is the same at all angles of the scan, and narrow, out of the block.
Status remove_rings(const FilterOptions& options, Block& block) {
  for (size_t row = 0; row < block.rows; ++row) {
    MNP_TRY(const Sinogram all, gather_row(options.in, row));
    std::vector<double> sum(block.columns);
    for (size_t i = 0; i < all.values.size(); ++i) sum[i % block.columns] += all.values[i];
    std::vector<float> mean(block.columns);
    for (size_t i = 0; i < mean.size(); ++i)
      mean[i] = static_cast<float>(sum[i] / static_cast<double>(all.degrees.size()));
    const std::vector<float> rings = ring_profile(mean, options.rings);
    for (size_t angle = 0; angle < block.count(); ++angle)
      for (size_t i = 0; i < rings.size(); ++i) block.line(angle, row)[i] -= rings[i];
  }
  return {};
}

}  // namespace

Status run(const FilterOptions& options) {
  MNP_TRY(Block block, read_block(options.in, options.block));
  if (options.rings > 0) MNP_CHECK(remove_rings(options, block));
  RampFilter filter(block.columns);
  for (size_t angle = 0; angle < block.count(); ++angle)
    for (size_t row = 0; row < block.rows; ++row)
      filter.apply({block.line(angle, row), block.columns});
  MNP_CHECK(write_block(options.out, block));
  fmt::print("filtered {} angles from {}\n", block.count(), block.first);
  return {};
}

}  // namespace tomo
