// The Shepp-Logan head as a detector would see it: line integrals of its ellipsoids in closed
// form, then counts with gain, dark current and noise. Any part of it can be made alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tomo {

struct PhantomOptions {
  size_t size = 256;      // columns of the detector
  size_t angles = 180;    // over half a turn
  size_t rows = 4;        // of the detector, one slice each
  double offset = 5.25;   // columns from size/2 to the axis of rotation
  uint64_t seed = 1;      // of the noise
  double counts = 50000;  // open beam, on average; 0 noise needs `noise` = false
  bool noise = true;
};

inline constexpr size_t kPhantomImages = 10;  // flats, and darks

/// Degrees of angle k: k * 180 / angles.
float phantom_degrees(const PhantomOptions& options, size_t angle);
/// The true -ln(transmission) along the rays of one angle and row: [size].
std::vector<float> phantom_line_integrals(const PhantomOptions& options, size_t angle, size_t row);
/// The true attenuation per column width at the pixels of a row's slice: [size, size].
std::vector<float> phantom_slice(const PhantomOptions& options, size_t row);

/// What the detector counts: [rows, size] of one angle, one open-beam image, one dark image.
std::vector<float> phantom_projection(const PhantomOptions& options, size_t angle);
std::vector<float> phantom_flat(const PhantomOptions& options, size_t image);
std::vector<float> phantom_dark(const PhantomOptions& options, size_t image);

}  // namespace tomo
