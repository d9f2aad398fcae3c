#include <fmt/format.h>

#include "examples/tomography/commands.hpp"

namespace tomo {
namespace {

struct Options {
  std::string stage;
  ScanSource source;
  size_t blocks = 12;
};

/// The arguments that make a command read the same scan on whatever node it runs.
std::string source_arguments(const ScanSource& source) {
  if (!source.folder.empty()) return "--scan \"$MNP_INPUTS/scan\"";
  const PhantomOptions& phantom = source.phantom;
  return fmt::format("--size {} --angles {} --rows {} --offset {} --seed {}", phantom.size,
                     phantom.angles, phantom.rows, phantom.offset, phantom.seed);
}

void print_normalize(const Options& options, size_t first, size_t count) {
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

Status run(const Options& options) {
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

}  // namespace

void add_list(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("list", "Print a stage's command list for a scan");
  auto options = std::make_shared<Options>();
  command->add_option("stage", options->stage, "normalize, filter or backproject")
      ->required()
      ->check(CLI::IsMember({"normalize", "filter", "backproject"}));
  add_scan_options(*command, options->source);
  command->add_option("--blocks", options->blocks, "blocks of angles")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->callback([&action, options] { action = [options] { return run(*options); }; });
}

}  // namespace tomo
