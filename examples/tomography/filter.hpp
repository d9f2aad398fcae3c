// The ramp filter of filtered back-projection, and removal of rings.
// Kak and Slaney, Principles of Computerized Tomographic Imaging, 1988, section 3.3.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace tomo {

/// Convolves lines with h[0] = 1/4, h[odd n] = -1/(pi n)^2, h[even n] = 0, without wrap-around:
/// lines are padded with zeros to a power of two of at least twice their length.
/// Not thread-safe.
class RampFilter {
 public:
  explicit RampFilter(size_t columns);
  ~RampFilter();
  RampFilter(const RampFilter&) = delete;
  RampFilter& operator=(const RampFilter&) = delete;
  /// In place; exactly `columns` values.
  void apply(std::span<float> line);

 private:
  struct Transform;
  size_t columns_;
  std::unique_ptr<Transform> transform_;
  std::vector<double> response_;  // of each frequency, divided by the length
};

/// What is constant over the angles and narrower than about `width` columns is drawn as a ring.
/// `mean` is a row's mean over all angles; what comes back is to be subtracted from each angle:
/// the mean without its running median of `width` (made odd) columns.
std::vector<float> ring_profile(std::span<const float> mean, size_t width);

}  // namespace tomo
