#include <cmath>
#include <cstdlib>
#include <optional>

#include <fmt/format.h>

#include "examples/tomography/center.hpp"
#include "examples/tomography/commands.hpp"

namespace tomo {
namespace {

Result<double> parse_center(const std::string& text) {
  char* end = nullptr;
  const double center = std::strtod(text.c_str(), &end);
  if (*end != '\0' || !std::isfinite(center))
    return mnp::fail(mnp::Code::kUsage, "--center: a column such as 296.0 expected, not " + text);
  return center;
}

Result<double> search(const CenterOptions& options) {
  if (options.in.empty())
    return mnp::fail(mnp::Code::kUsage, "center: give --in FOLDER to search, or --center COLUMN");
  MNP_TRY(const auto blocks, list_blocks(options.in));
  MNP_TRY(const Block block, read_block(options.in, blocks.front()));
  MNP_TRY(const Sinogram row, gather_row(options.in, options.row.value_or(block.rows / 2)));
  return find_center(row, options.reach, [&](double center, double entropy) {
    if (options.verbose) fmt::print("{:.3f} {:.6f}\n", center, entropy);
  });
}

}  // namespace

Status run(const CenterOptions& options) {
  MNP_TRY(const double center,
          options.center.empty() ? search(options) : parse_center(options.center));
  if (options.out.has_parent_path()) MNP_CHECK(mnp::make_folders(options.out.parent_path()));
  MNP_CHECK(mnp::replace_file(options.out, center_to_json(center)));
  fmt::print("center {:.3f} ({})\n", center, options.center.empty() ? "searched" : "given");
  return {};
}

}  // namespace tomo
