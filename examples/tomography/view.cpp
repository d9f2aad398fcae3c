#include "examples/tomography/view.hpp"

#include <png.h>

#include <algorithm>
#include <cmath>

namespace tomo {
namespace {

using mnp::Code;
using mnp::fail;

/// The value below which `percent` of the values lie; reorders them.
float percentile(std::vector<float>& values, double percent) {
  const double place = percent / 100 * static_cast<double>(values.size() - 1);
  const auto at = values.begin() + static_cast<ptrdiff_t>(std::lround(place));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace

std::vector<uint8_t> grey_levels(std::span<const float> slice, size_t size, double low,
                                 double high) {
  const double half = static_cast<double>(size) / 2;
  std::vector<float> seen;
  for (size_t i = 0; i < slice.size(); ++i) {
    const size_t row = i / size, column = i % size;
    const double x = static_cast<double>(column) + 0.5 - half;
    const double y = static_cast<double>(row) + 0.5 - half;
    if (x * x + y * y <= half * half && std::isfinite(slice[i])) seen.push_back(slice[i]);
  }
  std::vector<uint8_t> pixels(slice.size());
  if (seen.empty()) return pixels;
  const float black = percentile(seen, low), white = percentile(seen, high);
  const float range = white > black ? white - black : 1;
  for (size_t i = 0; i < slice.size(); ++i) {
    const float level = std::isfinite(slice[i]) ? (slice[i] - black) / range : 0;
    pixels[i] = static_cast<uint8_t>(std::lround(255 * std::clamp(level, 0.0f, 1.0f)));
  }
  return pixels;
}

Status write_png(const fs::path& path, std::span<const uint8_t> pixels, size_t size) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = image.height = static_cast<png_uint_32>(size);
  image.format = PNG_FORMAT_GRAY;
  if (path.has_parent_path()) MNP_CHECK(mnp::make_folders(path.parent_path()));
  if (!png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr))
    return fail(Code::kIo, "write " + path.string() + ": " + image.message);
  return {};
}

}  // namespace tomo
