#include <fmt/format.h>

#include "examples/tomography/commands.hpp"
#include "examples/tomography/view.hpp"
#include "mnp/model/npy.hpp"

namespace tomo {
namespace {

constexpr size_t kMaxPicture = 65535;  // pixels across

}  // namespace

Status run(const ViewOptions& options) {
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

}  // namespace tomo
