#include "mnp/core/frame.hpp"

#include <bit>
#include <cstring>

namespace mnp {

static_assert(std::endian::native == std::endian::little, "frames are written as memory holds them");

void append_frame(std::string& out, uint8_t type, std::string_view payload) {
  MNP_ASSERT(payload.size() + 1 <= kMaxFrame, "a frame over the limit was built");
  const auto length = static_cast<uint32_t>(payload.size() + 1);
  out.append(reinterpret_cast<const char*>(&length), sizeof length);
  out.push_back(static_cast<char>(type));
  out.append(payload);
}

Result<std::optional<Frame>> FrameReader::next() {
  constexpr size_t kHeader = sizeof(uint32_t);
  if (buffer_.size() - start_ < kHeader) return std::nullopt;
  uint32_t length = 0;
  std::memcpy(&length, buffer_.data() + start_, kHeader);
  if (length == 0) return fail(Code::kProtocol, "an empty frame");
  if (length > limit_)
    return fail(Code::kProtocol, "a frame of " + std::to_string(length) + " bytes; the limit is " +
                                     std::to_string(limit_));
  if (buffer_.size() - start_ < kHeader + length) {
    buffer_.erase(0, std::exchange(start_, 0));
    return std::nullopt;
  }
  Frame frame;
  frame.type = static_cast<uint8_t>(buffer_[start_ + kHeader]);
  frame.payload.assign(buffer_, start_ + kHeader + 1, length - 1);
  start_ += kHeader + length;
  if (start_ == buffer_.size()) {
    buffer_.clear();
    start_ = 0;
  }
  return frame;
}

Encoder& Encoder::u8(uint8_t value) {
  bytes_.push_back(static_cast<char>(value));
  return *this;
}
Encoder& Encoder::u32(uint32_t value) {
  bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  return *this;
}
Encoder& Encoder::u64(uint64_t value) {
  bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  return *this;
}
Encoder& Encoder::f64(double value) { return u64(std::bit_cast<uint64_t>(value)); }
Encoder& Encoder::text(std::string_view value) {
  u32(static_cast<uint32_t>(value.size()));
  bytes_.append(value);
  return *this;
}

std::string_view Decoder::take(size_t n) {
  if (bad_ || rest_.size() < n) {
    bad_ = true;
    return {};
  }
  const std::string_view taken = rest_.substr(0, n);
  rest_.remove_prefix(n);
  return taken;
}

uint8_t Decoder::u8() {
  const auto bytes = take(1);
  return bytes.empty() ? 0 : static_cast<uint8_t>(bytes[0]);
}
uint32_t Decoder::u32() {
  uint32_t value = 0;
  if (const auto bytes = take(sizeof value); !bytes.empty())
    std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}
uint64_t Decoder::u64() {
  uint64_t value = 0;
  if (const auto bytes = take(sizeof value); !bytes.empty())
    std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}
double Decoder::f64() { return std::bit_cast<double>(u64()); }
std::string Decoder::text() {
  const uint32_t length = u32();
  return std::string(take(length));
}

uint32_t Decoder::count(size_t least) {
  const uint32_t value = u32();
  if (uint64_t{value} * least > rest_.size()) bad_ = true;
  return bad_ ? 0 : value;
}

Status Decoder::finish(std::string_view what) const {
  if (bad_) return fail(Code::kProtocol, std::string(what) + ": the message ends too early");
  if (!rest_.empty()) return fail(Code::kProtocol, std::string(what) + ": bytes left over");
  return {};
}

}  // namespace mnp
