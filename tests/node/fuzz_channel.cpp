// libFuzzer target: what a peer can send on a channel, its PSK identity included. What is accepted
// can be said again, and a stream means the same however it was cut.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "mnp/core/frame.hpp"
#include "mnp/node/control.hpp"
#include "mnp/node/peer_identity.hpp"

namespace {

using namespace mnp;
using namespace mnp::node;

void require(bool holds) {
  if (!holds) std::abort();
}

template <class T>
void said_again(Result<T> (*decode)(std::string_view), std::string_view bytes) {
  if (const auto value = decode(bytes)) require(encode(*value) == bytes);
}

void decode_payload(std::string_view bytes) {
  said_again(decode_join, bytes);
  said_again(decode_welcome, bytes);
  said_again(decode_ready, bytes);
  said_again(decode_begin_epoch, bytes);
  said_again(decode_end, bytes);
  if (const auto value = decode_u32(bytes)) require(encode_u32(*value) == bytes);
  if (const auto value = decode_u64(bytes)) require(encode_u64(*value) == bytes);
  if (const auto identity = parse_identity(bytes)) require(to_text(*identity) == bytes);
}

/// The payloads of a stream that comes `step` bytes at a time; the last is "!" when it broke.
std::vector<std::string> frames_of(std::string_view stream, size_t step) {
  constexpr size_t kLimit = 4096;
  FrameReader reader(kLimit);
  std::vector<std::string> found;
  for (; !stream.empty(); stream.remove_prefix(std::min(step, stream.size()))) {
    reader.feed(stream.substr(0, step));
    while (true) {
      const auto frame = reader.next();
      if (!frame) {
        found.push_back("!");
        return found;
      }
      if (!*frame) break;
      require((*frame)->payload.size() < kLimit);
      found.push_back(static_cast<char>((*frame)->type) + (*frame)->payload);
    }
  }
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  decode_payload(bytes);
  const std::vector<std::string> whole = frames_of(bytes, size);
  require(whole == frames_of(bytes, 1));
  for (const std::string& frame : whole) decode_payload(std::string_view(frame).substr(1));
  return 0;
}
