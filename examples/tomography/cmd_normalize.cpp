#include <fmt/format.h>

#include "examples/tomography/commands.hpp"
#include "examples/tomography/normalize.hpp"

namespace tomo {

Status run(const NormalizeOptions& options) {
  size_t count = options.count;
  if (count == 0) {
    MNP_TRY(const ScanShape shape, scan_shape(options.source));
    count = shape.angles - std::min(options.first, shape.angles);
  }
  MNP_TRY(const RawBlock raw, read_raw_block(options.source, options.first, count));
  size_t clipped = 0;
  const Block block = normalize(raw, options.first, &clipped);
  MNP_CHECK(write_block(options.out, block));
  fmt::print("normalized {} angles from {} of {} x {} pixels, {} clipped\n", block.count(),
             block.first, block.rows, block.columns, clipped);
  return {};
}

}  // namespace tomo
