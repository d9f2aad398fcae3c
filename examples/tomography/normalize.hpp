// Counts to line integrals: t = (P - dark) / (flat - dark), p = -ln t.
#pragma once

#include "examples/tomography/blocks.hpp"
#include "examples/tomography/scan.hpp"

namespace tomo {

/// Transmissions at or below this, and pixels without light, count as this.
inline constexpr float kLeastTransmission = 1e-6f;

/// `clipped`, when given, receives the number of clipped pixels.
Block normalize(const RawBlock& raw, size_t first, size_t* clipped = nullptr);

}  // namespace tomo
