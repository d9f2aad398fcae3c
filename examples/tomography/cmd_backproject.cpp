#include <fmt/format.h>

#include "examples/tomography/backproject.hpp"
#include "examples/tomography/center.hpp"
#include "examples/tomography/commands.hpp"
#include "mnp/model/npy.hpp"

namespace tomo {
namespace {

constexpr size_t kMaxCenterFile = 4096;  // bytes

}  // namespace

Status run(const BackprojectOptions& options) {
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

}  // namespace tomo
