#include "examples/tomography/scan.hpp"

#include <fmt/format.h>

#include "mnp/model/npy.hpp"

namespace tomo {
namespace {

using mnp::Code;
using mnp::fail;
namespace model = mnp::model;

/// The mean over the first dimension of [image, rows, columns].
Result<std::vector<float>> mean_image(const fs::path& path, size_t rows, size_t columns) {
  MNP_TRY(const auto images, model::read_npy<float>(path));
  if (images.shape.size() != 3 || images.shape[0] == 0 || images.shape[1] != rows ||
      images.shape[2] != columns)
    return fail(Code::kConfig,
                fmt::format("{}: the shape is not [images, {}, {}] as the projections ask for",
                            path.string(), rows, columns));
  std::vector<double> sum(rows * columns);
  for (size_t i = 0; i < images.values.size(); ++i) sum[i % sum.size()] += images.values[i];
  std::vector<float> mean(sum.size());
  for (size_t i = 0; i < sum.size(); ++i)
    mean[i] = static_cast<float>(sum[i] / static_cast<double>(images.shape[0]));
  return mean;
}

/// The mean of images that are made one by one.
template <class MakeImage>
std::vector<float> mean_of(size_t pixels, MakeImage&& make_image) {
  std::vector<double> sum(pixels);
  for (size_t image = 0; image < kPhantomImages; ++image) {
    const std::vector<float> one = make_image(image);
    for (size_t i = 0; i < pixels; ++i) sum[i] += one[i];
  }
  std::vector<float> mean(pixels);
  for (size_t i = 0; i < pixels; ++i) mean[i] = static_cast<float>(sum[i] / kPhantomImages);
  return mean;
}

RawBlock phantom_block(const PhantomOptions& options, size_t first, size_t count) {
  RawBlock block{count, options.rows, options.size, {}, {}, {}, {}};
  for (size_t angle = first; angle < first + count; ++angle) {
    block.degrees.push_back(phantom_degrees(options, angle));
    const std::vector<float> one = phantom_projection(options, angle);
    block.counts.insert(block.counts.end(), one.begin(), one.end());
  }
  const size_t pixels = options.rows * options.size;
  block.flat = mean_of(pixels, [&](size_t image) { return phantom_flat(options, image); });
  block.dark = mean_of(pixels, [&](size_t image) { return phantom_dark(options, image); });
  return block;
}

}  // namespace

Result<ScanShape> scan_shape(const ScanSource& source) {
  if (source.folder.empty())
    return ScanShape{source.phantom.angles, source.phantom.rows, source.phantom.size};
  const fs::path path = source.folder / kProjections;
  MNP_TRY(const auto header, model::read_npy_header(path));
  if (header.shape.size() != 3 || header.elements() == 0)
    return fail(Code::kConfig, path.string() + ": the shape is not [angles, rows, columns]");
  return ScanShape{header.shape[0], header.shape[1], header.shape[2]};
}

Result<RawBlock> read_raw_block(const ScanSource& source, size_t first, size_t count) {
  MNP_TRY(const ScanShape shape, scan_shape(source));
  if (count == 0 || first > shape.angles || count > shape.angles - first)
    return fail(Code::kConfig, fmt::format("the scan has angles 0 to {}, not {} to {}",
                                           shape.angles, first, first + count));
  if (source.folder.empty()) return phantom_block(source.phantom, first, count);
  RawBlock block{count, shape.rows, shape.columns, {}, {}, {}, {}};
  MNP_TRY(auto counts, model::read_npy_part<float>(source.folder / kProjections, first, count));
  block.counts = std::move(counts.values);
  MNP_TRY(const auto degrees, model::read_npy<float>(source.folder / kDegrees));
  if (degrees.shape != std::vector<size_t>{shape.angles})
    return fail(Code::kConfig, fmt::format("{}: the shape is not [{}]",
                                           (source.folder / kDegrees).string(), shape.angles));
  const auto from = degrees.values.begin() + static_cast<ptrdiff_t>(first);
  block.degrees.assign(from, from + static_cast<ptrdiff_t>(count));
  MNP_TRY(block.flat, mean_image(source.folder / kFlats, shape.rows, shape.columns));
  MNP_TRY(block.dark, mean_image(source.folder / kDarks, shape.rows, shape.columns));
  return block;
}

}  // namespace tomo
