#include "examples/tomography/blocks.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "mnp/core/text.hpp"
#include "mnp/model/npy.hpp"

namespace tomo {
namespace {

using mnp::Code;
using mnp::fail;
namespace model = mnp::model;

constexpr std::string_view kStart = "projections-", kEnd = ".npy";

fs::path projections_path(const fs::path& folder, size_t first) {
  return folder / fmt::format("projections-{:04}.npy", first);
}
fs::path degrees_path(const fs::path& folder, size_t first) {
  return folder / fmt::format("degrees-{:04}.npy", first);
}

}  // namespace

Status write_block(const fs::path& folder, const Block& block) {
  const size_t shape[] = {block.count(), block.rows, block.columns};
  MNP_CHECK(
      model::write_npy<float>(projections_path(folder, block.first), shape, block.projections));
  return model::write_npy<float>(degrees_path(folder, block.first), {shape, 1}, block.degrees);
}

Result<Block> read_block(const fs::path& folder, size_t first) {
  const fs::path path = projections_path(folder, first);
  MNP_TRY(auto projections, model::read_npy<float>(path));
  MNP_TRY(auto degrees, model::read_npy<float>(degrees_path(folder, first)));
  const auto& shape = projections.shape;
  if (shape.size() != 3 || projections.values.empty() ||
      degrees.shape != std::vector<size_t>{shape[0]})
    return fail(Code::kConfig, path.string() + ": is no block of projections with its degrees");
  return Block{first, shape[1], shape[2], std::move(degrees.values), std::move(projections.values)};
}

Result<std::vector<size_t>> list_blocks(const fs::path& folder) {
  MNP_TRY(const auto names, mnp::list_folder(folder));
  std::vector<size_t> blocks;
  for (const std::string& name : names) {
    if (!mnp::starts_with(name, kStart) || name.size() <= kStart.size() + kEnd.size()) continue;
    const size_t digits = name.size() - kStart.size() - kEnd.size();
    const auto first = mnp::parse_integer(std::string_view(name).substr(kStart.size(), digits));
    if (first && *first >= 0) blocks.push_back(static_cast<size_t>(*first));
  }
  if (blocks.empty())
    return fail(Code::kNotFound, folder.string() + ": holds no projections-*.npy");
  std::sort(blocks.begin(), blocks.end());
  return blocks;
}

Sinogram row_of(const Block& block, size_t row) {
  Sinogram sinogram{block.columns, block.degrees, {}};
  sinogram.values.reserve(block.count() * block.columns);
  for (size_t angle = 0; angle < block.count(); ++angle)
    sinogram.values.insert(sinogram.values.end(), block.line(angle, row),
                           block.line(angle, row) + block.columns);
  return sinogram;
}

Result<Sinogram> gather_row(const fs::path& folder, size_t row) {
  MNP_TRY(const auto blocks, list_blocks(folder));
  Sinogram all;
  for (const size_t first : blocks) {
    MNP_TRY(const Block block, read_block(folder, first));
    if (row >= block.rows || (all.columns != 0 && block.columns != all.columns))
      return fail(Code::kConfig, fmt::format("{}: block {} has {} rows of {} columns",
                                             folder.string(), first, block.rows, block.columns));
    const Sinogram one = row_of(block, row);
    all.columns = one.columns;
    all.degrees.insert(all.degrees.end(), one.degrees.begin(), one.degrees.end());
    all.values.insert(all.values.end(), one.values.begin(), one.values.end());
  }
  return all;
}

}  // namespace tomo
