#include <fmt/format.h>

#include "examples/tomography/commands.hpp"

namespace tomo {
namespace {

/// The arguments that make a command read the same scan on whatever node it runs.
std::string source_arguments(const ScanSource& source) {
  if (!source.folder.empty()) return "--scan \"$MNP_INPUTS/scan\"";
  const PhantomOptions& phantom = source.phantom;
  return fmt::format("--size {} --angles {} --rows {} --offset {} --seed {}", phantom.size,
                     phantom.angles, phantom.rows, phantom.offset, phantom.seed);
}

void print_normalize(const ListOptions& options, size_t first, size_t count) {
  fmt::print("tomo normalize {} --first {} --count {} --out \"$MNP_RESULTS/normalized\"\n",
             source_arguments(options.source), first, count);
}

void print_filter(size_t first) {
  fmt::print(
      "tomo filter --in \"$MNP_INPUTS/preprocess/normalized\" --block {} "
      "--out \"$MNP_RESULTS/filtered\"\n",
      first);
}

void print_backproject(size_t first, const ScanShape& shape) {
  for (size_t row = 0; row < shape.rows; ++row)
    fmt::print(
        "tomo backproject --in \"$MNP_INPUTS/process/filtered\" --block {} --row {} "
        "--angles-total {} --center \"$MNP_INPUTS/calibrate/center.json\" "
        "--out \"$MNP_RESULTS/slices\"\n",
        first, row, shape.angles);
}

}  // namespace

Status run(const ListOptions& options) {
  MNP_TRY(const ScanShape shape, scan_shape(options.source));
  const size_t blocks = std::min(options.blocks, shape.angles);
  for (size_t i = 0; i < blocks; ++i) {
    const size_t first = shape.angles * i / blocks, next = shape.angles * (i + 1) / blocks;
    if (options.stage == "normalize") print_normalize(options, first, next - first);
    if (options.stage == "filter") print_filter(first);
    if (options.stage == "backproject") print_backproject(first, shape);
  }
  return {};
}

}  // namespace tomo
