#include "aws/http.hpp"

#include <strings.h>

namespace mnp::aws {

std::string header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers)
    if (key.size() == name.size() && ::strncasecmp(key.data(), name.data(), name.size()) == 0)
      return value;
  return "";
}

std::string HttpRequest::url() const {
  const std::string text = endpoint.scheme + "://" + endpoint.authority() + wire_path();
  return query.empty() ? text : text + "?" + query_text(query);
}

}  // namespace mnp::aws
