// A journal's folder: segments 00000001.jsonl, 00000002.jsonl, ..., each created only if absent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mnp/core/result.hpp"
#include "mnp/core/store.hpp"

namespace mnp::model {

/// "<prefix>/00000001.jsonl"
std::string segment_key(const std::string& prefix, uint32_t number);
/// The number in a segment's file name; nullopt for any other name.
std::optional<uint32_t> segment_number(std::string_view name);
/// Numbers of the segments that are there, ascending. Other names are nobody's business.
Result<std::vector<uint32_t>> list_segments(Store& store, const std::string& prefix);
/// Whether the first line of a segment is a sound Sealed.
bool is_seal(std::string_view segment);

}  // namespace mnp::model
