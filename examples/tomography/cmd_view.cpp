#include <fmt/format.h>

#include "examples/tomography/commands.hpp"
#include "examples/tomography/view.hpp"
#include "mnp/model/npy.hpp"

namespace tomo {
namespace {

struct Options {
  fs::path slice, picture;
  double low = 0.5, high = 99.5;
};

constexpr size_t kMaxPicture = 65535;  // pixels across

Status run(const Options& options) {
  MNP_TRY(const auto slice, mnp::model::read_npy<float>(options.slice));
  if (slice.shape.size() != 2 || slice.shape[0] != slice.shape[1] || slice.shape[0] == 0 ||
      slice.shape[0] > kMaxPicture)
    return mnp::fail(mnp::Code::kConfig, options.slice.string() + ": is no square slice");
  const size_t size = slice.shape[0];
  MNP_CHECK(
      write_png(options.picture, grey_levels(slice.values, size, options.low, options.high), size));
  fmt::print("{}: {} x {}\n", options.picture.string(), size, size);
  return {};
}

}  // namespace

void add_view(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("view", "Draw a slice as a PNG");
  auto options = std::make_shared<Options>();
  command->add_option("slice", options->slice, "slice-*.npy")->required();
  command->add_option("picture", options->picture, "the PNG file")->required();
  command->add_option("--low", options->low, "percentile that becomes black")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command->add_option("--high", options->high, "percentile that becomes white")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command->callback([&action, options] { action = [options] { return run(*options); }; });
}

}  // namespace tomo
