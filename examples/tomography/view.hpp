// A slice as a grey picture.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "examples/tomography/scan.hpp"

namespace tomo {

/// Values from the `low` to the `high` percentile (of those in the inscribed circle, where a
/// reconstruction is complete) become black to white; size * size pixels in, as many bytes out.
std::vector<uint8_t> grey_levels(std::span<const float> slice, size_t size, double low,
                                 double high);
Status write_png(const fs::path& path, std::span<const uint8_t> pixels, size_t size);

}  // namespace tomo
