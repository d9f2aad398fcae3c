// Input that lies beside the checkout, in ../shared; a test skips where it is absent.
#pragma once

#include "mnp/core/files.hpp"

namespace mnp::aws {

inline Result<std::string> shared_input(const std::string& path) {
  const fs::path place = fs::path(MNP_SHARED_INPUT) / path;
  auto text = read_file(place, size_t{16} << 20);
  if (!text) return fail(Code::kNotFound, "no " + place.string() + " here");
  return text;
}

}  // namespace mnp::aws
