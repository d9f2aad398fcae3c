// libFuzzer target: headers of .npy files, which users' commands write. What is accepted says a
// size that can be trusted, and can be written again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mnp/model/npy.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mnp::model;
  const auto header = parse_npy_header({reinterpret_cast<const char*>(data), size});
  if (!header) return 0;
  if (header->data_offset > size || header->shape.size() > kMaxNpyRank ||
      header->data_bytes() > kMaxNpyData)
    std::abort();
  const auto again = parse_npy_header(encode_npy_header(header->dtype, header->shape));
  if (!again || again->dtype != header->dtype || again->shape != header->shape) std::abort();
  return 0;
}
