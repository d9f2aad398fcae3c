#include "comms/array_shape.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace mnp::comms {
namespace {

std::string text_of(const ArrayShape& array) {
  return fmt::format("{} on node {} holds {} of shape ({}{})", array.file, array.node.value(),
                     model::descr_of(array.dtype), fmt::join(array.shape, ", "),
                     array.shape.size() == 1 ? "," : "");
}

}  // namespace

size_t ArrayShape::elements() const {
  size_t elements = 1;
  for (const size_t extent : shape) elements *= extent;
  return elements;
}

Status check_same(const ArrayShape& first, const ArrayShape& second) {
  if (first.dtype == second.dtype && first.shape == second.shape) return {};
  return fail(Code::kConfig, fmt::format("arrays that are to be reduced differ: {}, but {}",
                                         text_of(first), text_of(second)));
}

void encode(Encoder& out, const ArrayShape& value) {
  out.u8(static_cast<uint8_t>(value.dtype)).u32(static_cast<uint32_t>(value.shape.size()));
  for (const size_t extent : value.shape) out.u64(extent);
  out.u32(value.node.value()).text(value.file);
}

ArrayShape decode_array_shape(Decoder& in) {
  ArrayShape value;
  value.dtype = static_cast<model::DType>(in.u8());
  value.shape.resize(in.count(sizeof(uint64_t)));
  for (size_t& extent : value.shape) extent = in.u64();
  value.node = NodeIndex(in.u32());
  value.file = in.text();
  return value;
}

}  // namespace mnp::comms
