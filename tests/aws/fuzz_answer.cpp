// libFuzzer target: what a service answers: a line of status and headers each, an empty line, a
// body in XML or JSON. Whatever comes, an error has a code and a text of one line.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "aws/api_error.hpp"
#include "aws/client.hpp"
#include "aws/credentials_document.hpp"
#include "aws/xml.hpp"
#include "mnp/core/text.hpp"

namespace {

using namespace mnp;
using namespace mnp::aws;

constexpr size_t kMaxDepth = 64;

/// Everything there is to read of a document.
size_t walk(const XmlElement& element, size_t depth) {
  size_t bytes = element.name().size() + element.text().size();
  if (depth < kMaxDepth)
    for (const char* name : {"Error", "Errors", "member", "Contents", "a"})
      element.for_each(name, [&](const XmlElement& child) { bytes += walk(child, depth + 1); });
  return bytes;
}

HttpResponse response_of(std::string_view text) {
  HttpResponse response;
  const size_t end = text.find("\n\n");
  const std::string head(text.substr(0, end));
  if (end != std::string_view::npos) response.body = text.substr(end + 2);
  for (const std::string& line : split(head, '\n')) {
    const size_t colon = line.find(':');
    if (colon != std::string::npos)
      response.headers.emplace_back(line.substr(0, colon), trim(line.substr(colon + 1)));
    else
      response.status = static_cast<int>(parse_integer(line).value_or(500) % 1000);
  }
  return response;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const HttpResponse response = response_of({reinterpret_cast<const char*>(data), size});
  const ApiError error = api_error(response);
  if (error.text.empty() || error.text.find('\n') != std::string::npos) std::abort();
  (void)retriable(error);
  (void)is_error_document(response);
  (void)http_date(header(response.headers, "Date"));
  (void)iso_time(response.body);
  if (const auto keys = credentials_from_json(response.body);
      keys && (keys->access_key.empty() || keys->secret_key.empty()))
    std::abort();
  if (const auto document = XmlDocument::parse(response.body))
    if (walk(document->root(), 0) > 64 * response.body.size() + 64) std::abort();
  return 0;
}
