#include <fmt/format.h>

#include "examples/tomography/backproject.hpp"
#include "examples/tomography/center.hpp"
#include "examples/tomography/commands.hpp"
#include "mnp/model/npy.hpp"

namespace tomo {
namespace {

struct Options {
  fs::path in, out, center;
  size_t block = 0, row = 0, angles_total = 0;
};

constexpr size_t kMaxCenterFile = 4096;  // bytes

Status run(const Options& options) {
  MNP_TRY(const std::string text, mnp::read_file(options.center, kMaxCenterFile));
  const auto center = center_from_json(text);
  if (!center) return mnp::fail(center.error().within(options.center.string()));
  MNP_TRY(const Block block, read_block(options.in, options.block));
  if (options.row >= block.rows)
    return mnp::fail(mnp::Code::kConfig, fmt::format("the block has {} rows", block.rows));
  const size_t shape[] = {block.columns, block.columns};
  const std::vector<float> slice =
      backproject(row_of(block, options.row), *center, options.angles_total);
  MNP_CHECK(mnp::model::write_npy<float>(options.out / fmt::format("slice-{:04}.npy", options.row),
                                         shape, slice));
  fmt::print("row {}: {} of {} angles from {}\n", options.row, block.count(), options.angles_total,
             block.first);
  return {};
}

}  // namespace

void add_backproject(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("backproject", "Make a row's slice from a block of angles");
  auto options = std::make_shared<Options>();
  command->add_option("--in", options->in, "folder of filtered blocks")->required();
  command->add_option("--block", options->block, "first angle of the block")->required();
  command->add_option("--row", options->row, "row of the detector")->required();
  command->add_option("--angles-total", options->angles_total, "angles of the whole scan")
      ->required()
      ->check(CLI::PositiveNumber);
  command->add_option("--center", options->center, "JSON file of `tomo center`")->required();
  command->add_option("--out", options->out, "folder for the slice; slices of all blocks add up")
      ->required();
  command->callback([&action, options] { action = [options] { return run(*options); }; });
}

}  // namespace tomo
