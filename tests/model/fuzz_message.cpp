// libFuzzer target: messages of any bytes never crash, and what is accepted can be said again.
// Build with clang and -DMNP_SANITIZE=fuzzer; run `message_fuzz -max_total_time=60 CORPUS`.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mnp/model/message.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mnp::model;
  const auto message = decode_message({reinterpret_cast<const char*>(data), size});
  if (!message) return 0;
  const std::string bytes = encode_message(*message);
  const auto again = decode_message(bytes);
  if (!again || encode_message(*again) != bytes) std::abort();
  return 0;
}
