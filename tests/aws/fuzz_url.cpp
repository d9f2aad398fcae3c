// libFuzzer target: endpoints and places in S3, as people type them. What is accepted says itself
// again in the same words.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "aws/s3.hpp"
#include "aws/uri.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mnp::aws;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto endpoint = Endpoint::parse(text)) {
    const auto again = Endpoint::parse(endpoint->text());
    if (!again || again->text() != endpoint->text()) std::abort();
  }
  if (const auto place = S3Place::parse(text)) {
    const auto again = S3Place::parse(place->text());
    if (!again || again->bucket != place->bucket || again->key != place->key) std::abort();
  }
  const auto back = percent_decode(percent_encode(text));
  if (!back || *back != text) std::abort();
  (void)percent_decode(text);
  return 0;
}
