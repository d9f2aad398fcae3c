#include <fmt/format.h>

#include "examples/tomography/commands.hpp"
#include "examples/tomography/normalize.hpp"

namespace tomo {
namespace {

struct Options {
  ScanSource source;
  size_t first = 0, count = 0;
  fs::path out;
};

Status run(const Options& options) {
  size_t count = options.count;
  if (count == 0) {
    MNP_TRY(const ScanShape shape, scan_shape(options.source));
    count = shape.angles - std::min(options.first, shape.angles);
  }
  MNP_TRY(const RawBlock raw, read_raw_block(options.source, options.first, count));
  size_t clipped = 0;
  const Block block = normalize(raw, options.first, &clipped);
  MNP_CHECK(write_block(options.out, block));
  fmt::print("normalized {} angles from {} of {} x {} pixels, {} clipped\n", block.count(),
             block.first, block.rows, block.columns, clipped);
  return {};
}

}  // namespace

void add_scan_options(CLI::App& command, ScanSource& source) {
  command.add_option("--scan", source.folder,
                     "folder of the scan; absent or empty: the phantom, as the options say");
  add_phantom_options(command, source.phantom);
}

void add_normalize(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("normalize", "Turn a block of counts into line integrals");
  auto options = std::make_shared<Options>();
  add_scan_options(*command, options->source);
  command->add_option("--first", options->first, "first angle of the block")->capture_default_str();
  command->add_option("--count", options->count, "angles in the block; default: all that follow");
  command->add_option("--out", options->out, "folder for the block")->required();
  command->callback([&action, options] { action = [options] { return run(*options); }; });
}

}  // namespace tomo
