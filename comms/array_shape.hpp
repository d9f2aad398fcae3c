// What all arrays of one reduction must have in common, and what to say when they do not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mnp/core/frame.hpp"
#include "mnp/core/ids.hpp"
#include "mnp/model/npy.hpp"

namespace mnp::comms {

struct ArrayShape {
  model::DType dtype = model::DType::kFloat32;
  std::vector<size_t> shape;
  NodeIndex node;    // where a file of this kind lies
  std::string file;  // one of them

  size_t elements() const;
};

/// kConfig when they differ: names both files, their nodes, and what each holds.
Status check_same(const ArrayShape& first, const ArrayShape& second);

void encode(Encoder& out, const ArrayShape& value);
ArrayShape decode_array_shape(Decoder& in);

}  // namespace mnp::comms
