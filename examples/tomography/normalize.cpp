#include "examples/tomography/normalize.hpp"

#include <cmath>

namespace tomo {

Block normalize(const RawBlock& raw, size_t first, size_t* clipped) {
  Block block{first, raw.rows, raw.columns, raw.degrees, std::vector<float>(raw.counts.size())};
  const size_t pixels = raw.rows * raw.columns;
  size_t low = 0;
  for (size_t i = 0; i < raw.counts.size(); ++i) {
    const float dark = raw.dark[i % pixels], open = raw.flat[i % pixels] - dark;
    const float t = open > 0 ? (raw.counts[i] - dark) / open : 0;
    const bool usable = t > kLeastTransmission;  // false for NaN too
    low += !usable;
    block.projections[i] = -std::log(usable ? t : kLeastTransmission);
  }
  if (clipped) *clipped = low;
  return block;
}

}  // namespace tomo
