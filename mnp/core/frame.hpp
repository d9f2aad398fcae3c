// Messages on a byte stream: length, type, payload; and a codec for what is inside.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mnp/core/result.hpp"

namespace mnp {

/// On the wire: u32 length of what follows (little endian), u8 type, payload.
struct Frame {
  uint8_t type = 0;
  std::string payload;
};

inline constexpr size_t kMaxFrame = size_t{16} << 20;  // bytes after the length field

void append_frame(std::string& out, uint8_t type, std::string_view payload);

/// Cuts a stream into frames. Bytes go in as they come, whole frames come out.
class FrameReader {
 public:
  explicit FrameReader(size_t limit = kMaxFrame) : limit_(limit) {}
  void feed(std::string_view bytes) { buffer_.append(bytes); }
  /// The next whole frame, nullopt when more bytes are needed, kProtocol for an empty or an
  /// oversized frame (the stream is useless then).
  Result<std::optional<Frame>> next();

 private:
  size_t limit_;
  size_t start_ = 0;
  std::string buffer_;
};

/// Appends values in little endian order; strings and lists with a u32 count in front.
class Encoder {
 public:
  Encoder& u8(uint8_t value);
  Encoder& u32(uint32_t value);
  Encoder& u64(uint64_t value);
  Encoder& i64(int64_t value) { return u64(static_cast<uint64_t>(value)); }
  Encoder& f64(double value);
  Encoder& text(std::string_view value);
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Reads what Encoder wrote. After the first read past the end every value is 0 or empty and
/// `finish` fails: check once, at the end. `count` never says more than the bytes can hold.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}
  uint8_t u8();
  uint32_t u32();
  uint64_t u64();
  int64_t i64() { return static_cast<int64_t>(u64()); }
  double f64();
  std::string text();
  /// A list's count, checked against the bytes left at `least` bytes an element.
  uint32_t count(size_t least);
  /// kProtocol when bytes were missing or are left over. `what` names the message.
  Status finish(std::string_view what) const;
  /// The value when the message was whole.
  template <class T>
  Result<T> finish(std::string_view what, T value) const {
    MNP_CHECK(finish(what));
    return value;
  }

 private:
  std::string_view take(size_t n);
  std::string_view rest_;
  bool bad_ = false;
};

}  // namespace mnp
