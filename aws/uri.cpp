#include "aws/uri.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

bool is_unreserved(unsigned char byte) {
  return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
         (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

std::string encode(std::string_view text, bool keep_slash) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const unsigned char byte : text) {
    if (is_unreserved(byte) || (keep_slash && byte == '/')) {
      out += static_cast<char>(byte);
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_host(std::string_view host) {
  if (host.empty()) return false;
  if (host.front() == '[')
    return host.size() > 2 && host.back() == ']' &&
           host.find_first_not_of("0123456789abcdefABCDEF:.", 1) == host.size() - 1;
  return std::all_of(host.begin(), host.end(), [](unsigned char c) { return is_unreserved(c); });
}

}  // namespace

std::string percent_encode(std::string_view text) {
  return encode(text, false);
}

std::string percent_encode_path(std::string_view path) {
  return encode(path, true);
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0)
      return fail(Code::kProtocol, fmt::format("'{}' is not percent-encoded", text));
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string query_text(const Query& query) {
  std::string out;
  for (const auto& [name, value] : query)
    out += (out.empty() ? "" : "&") + percent_encode(name) + "=" + percent_encode(value);
  return out;
}

std::string Endpoint::authority() const {
  const bool usual = port.empty() || (scheme == "https" ? port == "443" : port == "80");
  return usual ? host : host + ":" + port;
}

Result<Endpoint> Endpoint::parse(std::string_view url) {
  const auto wrong = [&](std::string_view what) {
    return fail(Code::kConfig,
                fmt::format("endpoint '{}': {}; expected http[s]://HOST[:PORT]", url, what));
  };
  Endpoint endpoint;
  const size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return wrong("no scheme");
  endpoint.scheme = std::string(url.substr(0, scheme_end));
  if (endpoint.scheme != "http" && endpoint.scheme != "https") return wrong("an unknown scheme");
  std::string_view rest = url.substr(scheme_end + 3);
  const size_t path_at = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, path_at);
  std::string_view path = rest.substr(path_at);
  if (rest.find_first_of("?#") != std::string_view::npos) return wrong("it has a query");
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  endpoint.path = std::string(path);
  const size_t bracket = authority.find(']');
  const size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  endpoint.host = std::string(authority.substr(0, colon));
  if (!is_host(endpoint.host)) return wrong("no host");
  if (colon == std::string_view::npos) return endpoint;
  endpoint.port = std::string(authority.substr(colon + 1));
  const auto number = parse_integer(endpoint.port);
  if (!number || *number < 1 || *number > 65535) return wrong("a port out of range");
  return endpoint;
}

}  // namespace mnp::aws
