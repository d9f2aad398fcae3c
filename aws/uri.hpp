// Percent encoding as AWS signs it (RFC 3986 with upper-case digits), and the parts of a URL.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mnp/core/result.hpp"

namespace mnp::aws {

/// All bytes but A-Z a-z 0-9 - . _ ~ become %XX.
std::string percent_encode(std::string_view text);
/// The same, but '/' stays.
std::string percent_encode_path(std::string_view path);
/// kProtocol where a '%' is not followed by two hex digits.
Result<std::string> percent_decode(std::string_view text);

/// Names and values, not encoded.
using Query = std::vector<std::pair<std::string, std::string>>;
/// "a=1&b=": each part encoded, in the given order.
std::string query_text(const Query& query);

/// An endpoint: what stands in front of a request's path.
struct Endpoint {
  std::string scheme;  // "https" or "http"
  std::string host;    // a name, an IPv4 address, or an IPv6 address in brackets
  std::string port;    // "" for the scheme's own
  std::string path;    // "" or "/prefix", encoded as it was given, without a '/' at its end

  /// What the Host header says: no port where it is the scheme's own.
  std::string authority() const;
  std::string text() const { return scheme + "://" + authority() + path; }
  /// "http://127.0.0.1:8080/prefix"; kConfig says what is wrong with it.
  static Result<Endpoint> parse(std::string_view url);
};

}  // namespace mnp::aws
