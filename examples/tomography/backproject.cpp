#include "examples/tomography/backproject.hpp"

#include <cmath>
#include <numbers>
#include <span>

namespace tomo {
namespace {

/// Adds one line of a slice: pixel i sees column start + i * stride of the projection, whose
/// last value stands there twice so that the interpolation may read one further.
void add_line(std::span<const float> projection, double start, double stride,
              std::span<float> line) {
  const double last = static_cast<double>(projection.size() - 2);
  for (size_t i = 0; i < line.size(); ++i) {
    const double u = start + stride * static_cast<double>(i);
    if (!(u >= 0 && u <= last)) continue;
    const int column = static_cast<int>(u);
    const float weight = static_cast<float>(u - column);
    const float left = projection[static_cast<size_t>(column)];
    const float right = projection[static_cast<size_t>(column) + 1];
    line[i] += left + weight * (right - left);
  }
}

}  // namespace

std::vector<float> backproject(const Sinogram& filtered, double center, size_t angles_total,
                               size_t step) {
  const size_t columns = filtered.columns, size = (columns + step - 1) / step;
  const double half = static_cast<double>(columns) / 2, pitch = static_cast<double>(step);
  std::vector<float> slice(size * size), projection(columns + 1);
  for (size_t angle = 0; angle < filtered.degrees.size(); ++angle) {
    const double radians = double{filtered.degrees[angle]} * std::numbers::pi / 180;
    const double cosine = std::cos(radians), sine = std::sin(radians);
    const auto from = filtered.values.begin() + static_cast<ptrdiff_t>(angle * columns);
    std::copy(from, from + static_cast<ptrdiff_t>(columns), projection.begin());
    projection[columns] = projection[columns - 1];
    for (size_t iy = 0; iy < size; ++iy) {
      const double y = pitch * static_cast<double>(iy) - half;
      add_line(projection, center - half * cosine - y * sine, pitch * cosine,
               std::span<float>(slice).subspan(iy * size, size));
    }
  }
  const float scale = static_cast<float>(std::numbers::pi / static_cast<double>(angles_total));
  for (float& value : slice) value *= scale;
  return slice;
}

}  // namespace tomo
