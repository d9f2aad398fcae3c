#include "mnp/model/journal_segments.hpp"

#include <algorithm>
#include <charconv>
#include <variant>

#include <fmt/format.h>

#include "mnp/core/text.hpp"
#include "mnp/model/journal.hpp"

namespace mnp::model {
namespace {

constexpr size_t kDigits = 8;  // at least
constexpr std::string_view kSuffix = ".jsonl";

}  // namespace

std::string segment_key(const std::string& prefix, uint32_t number) {
  return fmt::format("{}/{:08}{}", prefix, number, kSuffix);
}

std::optional<uint32_t> segment_number(std::string_view name) {
  if (name.size() < kDigits + kSuffix.size() ||
      name.substr(name.size() - kSuffix.size()) != kSuffix)
    return std::nullopt;
  name.remove_suffix(kSuffix.size());
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number == 0) return std::nullopt;
  if (name.size() > kDigits && name[0] == '0') return std::nullopt;  // two names of one number
  return number;
}

Result<std::vector<uint32_t>> list_segments(Store& store, const std::string& prefix) {
  MNP_TRY(const auto keys, store.list(prefix));
  std::vector<uint32_t> numbers;
  for (const std::string& key : keys)
    if (const auto number = segment_number(std::string_view(key).substr(prefix.size() + 1)))
      numbers.push_back(*number);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

bool is_seal(std::string_view segment) {
  const auto line = decode_line(segment.substr(0, segment.find('\n') + 1));
  return line && std::holds_alternative<Sealed>(line->event);
}

}  // namespace mnp::model
