#include "mnp/model/json_line.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "mnp/core/text.hpp"

namespace mnp::model {
namespace {

constexpr double kMicro = 1e-6;
constexpr uint64_t kMicros = 1000000;  // in a second
constexpr size_t kMicroDigits = 6;
constexpr uint32_t kRawByte = 0xdc00;  // + byte: one that is not UTF-8
constexpr std::string_view kHexDigits = "0123456789abcdef";

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

void append_utf8(std::string& out, uint32_t code) {
  const auto push = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    push(0xc0 | code >> 6);
    push(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    push(0xe0 | code >> 12);
    push(0x80 | (code >> 6 & 0x3f));
    push(0x80 | (code & 0x3f));
  } else {
    push(0xf0 | code >> 18);
    push(0x80 | (code >> 12 & 0x3f));
    push(0x80 | (code >> 6 & 0x3f));
    push(0x80 | (code & 0x3f));
  }
}

void append_unit(std::string& out, uint32_t unit) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out.push_back(kHexDigits[unit >> shift & 15]);
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      append_unit(out, static_cast<unsigned char>(c));
  }
}

template <size_t kDigits>
void append_hex(std::string& out, uint64_t value) {
  std::array<char, kDigits + 2> text;
  text.front() = text.back() = '"';
  for (size_t i = kDigits; i > 0; --i, value >>= 4) text[i] = kHexDigits[value & 15];
  out.append(text.data(), text.size());
}

}  // namespace

JsonWriter& JsonWriter::raw(std::string_view text) {
  out_ += text;
  return *this;
}

JsonWriter& JsonWriter::member(std::string_view name) {
  out_ += ",\"";
  out_ += name;
  out_ += "\":";
  return *this;
}

JsonWriter& JsonWriter::number(uint64_t value) {
  const fmt::format_int digits(value);
  out_.append(digits.data(), digits.size());
  return *this;
}

JsonWriter& JsonWriter::integer(int64_t value) {
  const fmt::format_int digits(value);
  out_.append(digits.data(), digits.size());
  return *this;
}

JsonWriter& JsonWriter::seconds(double value) {
  if (!(value > 0)) value = 0;
  if (value > kMaxSeconds) value = kMaxSeconds;
  const auto micros = static_cast<uint64_t>(std::llround(value / kMicro));
  number(micros / kMicros);
  // A 1 in front keeps the zeros; the point takes its place.
  const fmt::format_int digits(kMicros + micros % kMicros);
  out_.push_back('.');
  out_.append(digits.data() + 1, kMicroDigits);
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
  out_.push_back('"');
  size_t plain = 0;
  for (size_t at = 0; at < value.size();) {
    if (is_plain(value[at])) {
      ++at;
      continue;
    }
    const size_t length = utf8_length(value.substr(at));
    if (length > 1) {
      at += length;
      continue;
    }
    out_ += value.substr(plain, at - plain);
    if (length == 1)
      append_escaped(out_, value[at]);
    else
      append_unit(out_, kRawByte + static_cast<unsigned char>(value[at]));
    plain = ++at;
  }
  out_ += value.substr(plain);
  out_.push_back('"');
  return *this;
}

JsonWriter& JsonWriter::hex32(uint32_t value) {
  append_hex<8>(out_, value);
  return *this;
}

JsonWriter& JsonWriter::hex64(uint64_t value) {
  append_hex<16>(out_, value);
  return *this;
}

void JsonReader::refuse() {
  bad_ = true;
  rest_ = {};
}

bool JsonReader::skip(std::string_view text) {
  if (rest_.substr(0, text.size()) != text) return false;
  rest_.remove_prefix(text.size());
  return true;
}

void JsonReader::expect(std::string_view text) {
  if (!skip(text)) refuse();
}

bool JsonReader::has(std::string_view name) {
  if (rest_.size() < name.size() + 4 || rest_[0] != ',' || rest_[1] != '"' ||
      rest_.substr(2, name.size()) != name || rest_.substr(2 + name.size(), 2) != "\":")
    return false;
  rest_.remove_prefix(name.size() + 4);
  return true;
}

void JsonReader::member(std::string_view name) {
  if (!has(name)) refuse();
}

uint64_t JsonReader::number(uint64_t most) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
  const auto length = static_cast<size_t>(end - rest_.data());
  if (error != std::errc() || value > most || (length > 1 && rest_[0] == '0')) {
    refuse();
    return 0;
  }
  rest_.remove_prefix(length);
  return value;
}

int JsonReader::integer() {
  const bool negative = skip("-");
  const auto value = static_cast<int64_t>(number(uint64_t{1} << 31));
  if (!negative && value > std::numeric_limits<int>::max()) refuse();
  if (bad_) return 0;
  return static_cast<int>(negative ? -value : value);
}

double JsonReader::seconds() {
  const uint64_t whole_seconds = number(static_cast<uint64_t>(kMaxSeconds));
  expect(".");
  uint64_t fraction = 0;
  if (rest_.size() < kMicroDigits) refuse();
  for (size_t i = 0; i < kMicroDigits && !bad_; ++i) {
    if (rest_[i] < '0' || rest_[i] > '9')
      refuse();
    else
      fraction = 10 * fraction + static_cast<uint64_t>(rest_[i] - '0');
  }
  if (bad_) return 0;
  rest_.remove_prefix(kMicroDigits);
  return static_cast<double>(whole_seconds * kMicros + fraction) * kMicro;
}

std::string JsonReader::text() {
  std::string out;
  expect("\"");
  while (!bad_) {
    size_t at = 0;
    while (at < rest_.size() && is_plain(rest_[at])) ++at;
    out += rest_.substr(0, at);
    rest_.remove_prefix(at);
    if (skip("\"")) return out;
    if (skip("\\")) {
      escape(out);
      continue;
    }
    const size_t length =
        rest_.empty() || static_cast<unsigned char>(rest_[0]) < 0x20 ? 0 : utf8_length(rest_);
    if (length == 0) refuse();
    out += rest_.substr(0, length);
    rest_.remove_prefix(std::min(length, rest_.size()));
  }
  return {};
}

uint64_t JsonReader::hex(size_t digits) {
  expect("\"");
  if (rest_.size() < digits) refuse();
  uint64_t value = 0;
  for (size_t i = 0; i < digits && !bad_; ++i) {
    const size_t digit = kHexDigits.find(rest_[i]);
    if (digit == std::string_view::npos)
      refuse();
    else
      value = value << 4 | digit;
  }
  if (bad_) return 0;
  rest_.remove_prefix(digits);
  expect("\"");
  return bad_ ? 0 : value;
}

/// Four hex digits, in any case.
uint32_t JsonReader::unit() {
  uint32_t value = 0;
  if (rest_.size() < 4) refuse();
  const auto [end, error] =
      std::from_chars(rest_.data(), rest_.data() + std::min<size_t>(rest_.size(), 4), value, 16);
  if (bad_ || error != std::errc() || end != rest_.data() + 4) {
    refuse();
    return 0;
  }
  rest_.remove_prefix(4);
  return value;
}

void JsonReader::escape(std::string& out) {
  constexpr std::string_view kShort = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
  const size_t at = rest_.empty() ? std::string_view::npos : kShort.find(rest_[0]);
  if (at != std::string_view::npos) {
    out.push_back(kMeant[at]);
    rest_.remove_prefix(1);
    return;
  }
  expect("u");
  uint32_t code = unit();
  if (code >= 0xd800 && code < 0xdc00) {  // the first of a pair
    expect("\\u");
    const uint32_t low = unit();
    if (low < 0xdc00 || low > 0xdfff) return refuse();
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  } else if (code >= kRawByte + 0x80 && code <= kRawByte + 0xff) {
    out.push_back(static_cast<char>(code - kRawByte));
    return;
  } else if (code >= 0xdc00 && code < 0xe000) {
    return refuse();
  }
  if (!bad_) append_utf8(out, code);
}

}  // namespace mnp::model
