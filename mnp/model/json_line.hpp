// The JSON that journal lines are made of: known members in a known order, so that a line is
// written in about a microsecond and read in about as much. Strings hold any bytes: what is not
// UTF-8 is written as \udc80..\udcff, one a byte (as Python's `surrogateescape` does).
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace mnp::model {

inline constexpr double kMaxSeconds = 9e9;  // what a double holds to the microsecond

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}
  JsonWriter& raw(std::string_view text);
  JsonWriter& member(std::string_view name);  // `,"name":`
  JsonWriter& number(uint64_t value);
  JsonWriter& integer(int64_t value);
  JsonWriter& seconds(double value);  // six digits after the point; 0 for what is no time
  JsonWriter& text(std::string_view value);
  JsonWriter& hex32(uint32_t value);  // quoted
  JsonWriter& hex64(uint64_t value);  // quoted

 private:
  std::string& out_;
};

/// Reads what JsonWriter wrote. After the first thing out of place every value is 0 or empty and
/// `whole` is false: check once, at the end.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : rest_(text) {}
  bool skip(std::string_view text);    // consumed when it stands here
  void expect(std::string_view text);  // must stand here
  bool has(std::string_view name);     // `,"name":`, consumed when it stands here
  void member(std::string_view name);  // must stand here
  uint64_t number(uint64_t most = std::numeric_limits<uint64_t>::max());
  uint32_t number32() {
    return static_cast<uint32_t>(number(std::numeric_limits<uint32_t>::max()));
  }
  int integer();
  double seconds();
  std::string text();
  uint32_t hex32() { return static_cast<uint32_t>(hex(8)); }
  uint64_t hex64() { return hex(16); }
  bool whole() const { return !bad_ && rest_.empty(); }
  bool bad() const { return bad_; }
  void refuse();
  size_t left() const { return rest_.size(); }

 private:
  uint64_t hex(size_t digits);
  void escape(std::string& out);
  uint32_t unit();
  std::string_view rest_;
  bool bad_ = false;
};

}  // namespace mnp::model
