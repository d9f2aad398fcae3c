// Small text work that no library of ours does: units, nearest words, splitting, checksums.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mnp/core/clock.hpp"
#include "mnp/core/result.hpp"

namespace mnp {

std::string_view trim(std::string_view text);
/// ASCII letters in lower case.
std::string lower(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
bool starts_with(std::string_view text, std::string_view start);

/// A whole decimal number, nothing else; kConfig says what was there instead.
Result<int64_t> parse_integer(std::string_view text);
/// "4GiB", "512M", "1000": bytes. Units: k M G T (powers of 1000), Ki Mi Gi Ti (1024), B optional.
Result<uint64_t> parse_bytes(std::string_view text);
/// "90", "250ms", "30s", "10m", "2h", "1d", "1h30m": a duration; a bare number is seconds.
Result<Milliseconds> parse_duration(std::string_view text);
/// "1.5 GiB"
std::string format_bytes(uint64_t bytes);
/// "2m 05s", "1h 02m", "0.31 s"
std::string format_duration(double seconds);

/// The candidate nearest to `word` by edit distance, when near enough to be a slip; else "".
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// Bytes of the well-formed UTF-8 character at the front of a text that is not empty (RFC 3629); 0
/// where there is none.
size_t utf8_length(std::string_view text);
/// Bytes of well-formed UTF-8 at the front of a text: its size where all of it is.
size_t utf8_prefix(std::string_view text);

/// FNV-1a, 64 bit: a stable hash for identities in files (not for security).
uint64_t fnv1a(std::string_view text, uint64_t seed = 0xcbf29ce484222325u);
/// CRC-32C (Castagnoli, RFC 3720 appendix B.4), hardware where there is any. `seed` chains
/// pieces: crc32c(b, crc32c(a)) == crc32c(ab).
uint32_t crc32c(std::string_view bytes, uint32_t seed = 0);
/// Of two pieces one after another, from each one's own: crc32c_join(crc32c(a), crc32c(b), size of
/// b) == crc32c(ab).
uint32_t crc32c_join(uint32_t first, uint32_t second, uint64_t second_bytes);
/// Eight lower-case hex digits.
std::string hex32(uint32_t value);
std::string hex64(uint64_t value);

}  // namespace mnp
