#include "mnp/core/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace mnp {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (size_t start = 0;;) {
    const size_t end = text.find(separator, start);
    parts.emplace_back(text.substr(start, end - start));
    if (end == std::string_view::npos) return parts;
    start = end + 1;
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

Result<int64_t> parse_integer(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size())
    return fail(Code::kConfig, fmt::format("'{}' is not a whole number", text));
  return value;
}

namespace {

/// A decimal number at the front of `text`, which then starts after it.
Result<double> take_number(std::string_view& text) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || value < 0)
    return fail(Code::kConfig, fmt::format("'{}' does not start with a number", text));
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

}  // namespace

Result<uint64_t> parse_bytes(std::string_view text) {
  std::string_view rest = trim(text);
  const auto number = take_number(rest);
  const auto wrong = [&] {
    return fail(Code::kConfig,
                fmt::format("'{}' is not a size; write 4GiB, 512MB or a number of bytes", text));
  };
  if (!number) return wrong();
  rest = trim(rest);
  if (!rest.empty() && rest.back() == 'B') rest.remove_suffix(1);
  const bool binary = !rest.empty() && rest.back() == 'i';
  if (binary) rest.remove_suffix(1);
  constexpr std::string_view kUnits = "kMGTP";
  double factor = 1;
  if (rest.size() == 1) {
    const size_t unit = kUnits.find(rest[0] == 'K' ? 'k' : rest[0]);
    if (unit == std::string_view::npos) return wrong();
    factor = std::pow(binary ? 1024.0 : 1000.0, static_cast<double>(unit + 1));
  } else if (!rest.empty() || binary) {
    return wrong();
  }
  const double bytes = *number * factor;
  if (bytes > 9e18) return wrong();
  return static_cast<uint64_t>(std::llround(bytes));
}

Result<Milliseconds> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    double ms;
  };
  constexpr std::array<Unit, 5> kUnits = {
      {{"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}}};
  const auto wrong = [&] {
    return fail(Code::kConfig,
                fmt::format("'{}' is not a duration; write 250ms, 30s, 10m, 2h or 1h30m", text));
  };
  std::string_view rest = trim(text);
  double total = 0;
  if (rest.empty()) return wrong();
  for (bool first = true; !rest.empty(); first = false) {
    const auto number = take_number(rest);
    if (!number) return wrong();
    size_t letters = 0;
    while (letters < rest.size() && rest[letters] >= 'a' && rest[letters] <= 'z') ++letters;
    const std::string_view name = letters == 0 ? "s" : rest.substr(0, letters);
    const auto* unit = std::find_if(kUnits.begin(), kUnits.end(),
                                    [&](const Unit& each) { return each.name == name; });
    // A bare number is seconds when it stands alone: `1h30` is a slip for 1h30m, not 1h30s.
    if (unit == kUnits.end() || (letters == 0 && !(first && rest.empty()))) return wrong();
    total += *number * unit->ms;
    rest.remove_prefix(letters);
  }
  if (total > 1e14) return wrong();
  return Milliseconds(std::llround(total));
}

std::string format_bytes(uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string format_duration(double seconds) {
  if (seconds < 10) return fmt::format("{:.2f} s", seconds);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{}m {:02}s", whole / 60, whole % 60);
  return fmt::format("{}h {:02}m", whole / 3600, whole / 60 % 60);
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    std::vector<size_t> row(candidate.size() + 1);
    for (size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= word.size(); ++i) {
      size_t diagonal = std::exchange(row[0], i);
      for (size_t j = 1; j < row.size(); ++j) {
        const size_t change = diagonal + (word[i - 1] == candidate[j - 1] ? 0 : 1);
        diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, change}));
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

uint64_t fnv1a(std::string_view text, uint64_t seed) {
  for (const char c : text) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return seed;
}

namespace {

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (value & 1 ? 0x82f63b78u : 0);
    table[i] = value;
  }
  return table;
}

uint32_t crc32c_table(std::string_view bytes, uint32_t crc) {
  static constexpr auto kTable = make_crc_table();
  for (const char c : bytes)
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return crc;
}

/// The product of two polynomials modulo that of CRC-32C; the highest bit is x^0.
uint32_t multiply(uint32_t a, uint32_t b) {
  constexpr uint32_t kPolynomial = 0x82f63b78;
  uint32_t product = 0;
  for (; a != 0; a <<= 1) {
    if ((a & 0x80000000u) != 0) product ^= b;
    b = (b & 1) != 0 ? (b >> 1) ^ kPolynomial : b >> 1;
  }
  return product;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t crc32c_sse42(std::string_view bytes, uint32_t crc) {
  uint64_t wide = crc;
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    uint64_t word;
    __builtin_memcpy(&word, at, 8);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  auto narrow = static_cast<uint32_t>(wide);
  for (; left > 0; --left, ++at)
    narrow = __builtin_ia32_crc32qi(narrow, static_cast<unsigned char>(*at));
  return narrow;
}
#endif

}  // namespace

uint32_t crc32c(std::string_view bytes, uint32_t seed) {
#if defined(__x86_64__)
  static const bool hardware = __builtin_cpu_supports("sse4.2");
  if (hardware) return ~crc32c_sse42(bytes, ~seed);
#endif
  return ~crc32c_table(bytes, ~seed);
}

size_t utf8_length(std::string_view text) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const size_t length = first < 0xc2   ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((at(i) & 0xc0) != 0x80) return 0;
  if (first == 0xe0 && at(1) < 0xa0) return 0;   // overlong
  if (first == 0xed && at(1) >= 0xa0) return 0;  // surrogates
  if (first == 0xf0 && at(1) < 0x90) return 0;   // overlong
  if (first == 0xf4 && at(1) >= 0x90) return 0;  // over U+10FFFF
  return length;
}

size_t utf8_prefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = utf8_length(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

/// The first piece is shifted by x^(8 * bytes), by squares.
uint32_t crc32c_join(uint32_t first, uint32_t second, uint64_t second_bytes) {
  uint32_t square = 0x80000000u >> 8;  // x^8
  for (; second_bytes != 0; second_bytes >>= 1) {
    if ((second_bytes & 1) != 0) first = multiply(first, square);
    square = multiply(square, square);
  }
  return first ^ second;
}

std::string hex32(uint32_t value) {
  return fmt::format("{:08x}", value);
}
std::string hex64(uint64_t value) {
  return fmt::format("{:016x}", value);
}

}  // namespace mnp
