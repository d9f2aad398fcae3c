// The phantom's filtered sinogram, for tests of what comes after the filter.
#pragma once

#include "examples/tomography/blocks.hpp"
#include "examples/tomography/filter.hpp"
#include "examples/tomography/normalize.hpp"

namespace tomo {

inline Sinogram filtered_phantom_row(const PhantomOptions& options, size_t row = 0) {
  const ScanSource source{{}, options};
  const Block block = normalize(*read_raw_block(source, 0, options.angles), 0);
  Sinogram sinogram = row_of(block, row);
  RampFilter filter(sinogram.columns);
  for (size_t angle = 0; angle < block.count(); ++angle)
    filter.apply({sinogram.values.data() + angle * sinogram.columns, sinogram.columns});
  return sinogram;
}

}  // namespace tomo
