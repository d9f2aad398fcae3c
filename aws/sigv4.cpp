#include "aws/sigv4.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <map>

#include <fmt/format.h>

#include "aws/digest.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
// What a proxy may change, or we may not know.
constexpr std::array<std::string_view, 7> kNotSigned = {
    "authorization", "connection",      "expect",         "transfer-encoding",
    "user-agent",    "x-amzn-trace-id", "accept-encoding"};

/// Trimmed, each run of blanks one blank.
std::string without_extra_blanks(std::string_view value) {
  std::string out;
  for (const char c : trim(value)) {
    const bool blank = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!blank)
      out += c;
    else if (out.back() != ' ')
      out += ' ';
  }
  return out;
}

/// Without ".", ".." and empty parts; a '/' at the end stays.
std::string normalized(std::string_view path) {
  std::vector<std::string> kept;
  const std::vector<std::string> parts = split(path, '/');
  for (const std::string& part : parts) {
    if (part == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!part.empty() && part != ".") {
      kept.push_back(part);
    }
  }
  const bool slash = !kept.empty() && (parts.back().empty() || parts.back() == ".");
  return "/" + join(kept, "/") + (slash ? "/" : "");
}

std::string canonical_path(const HttpRequest& request, const SigningRules& rules) {
  std::string path = request.wire_path();
  if (path.empty()) path = "/";
  if (rules.normalize) path = normalized(path);
  return rules.encode_again ? percent_encode_path(path) : path;
}

/// Sorted by the encoded name, then by the encoded value.
std::string canonical_query(const Query& query) {
  std::vector<std::pair<std::string, std::string>> encoded;
  for (const auto& [name, value] : query)
    encoded.emplace_back(percent_encode(name), percent_encode(value));
  std::sort(encoded.begin(), encoded.end());
  std::vector<std::string> parts;
  for (const auto& [name, value] : encoded) parts.push_back(name + "=" + value);
  return join(parts, "&");
}

/// By name in lower case; several of one name are one line.
std::map<std::string, std::string> canonical_headers(const HttpRequest& request) {
  std::map<std::string, std::string> lines{{"host", request.endpoint.authority()}};
  for (const auto& [name, value] : request.headers) {
    const std::string key = lower(name);
    if (std::find(kNotSigned.begin(), kNotSigned.end(), key) != kNotSigned.end()) continue;
    const auto [line, fresh] = lines.try_emplace(key, without_extra_blanks(value));
    if (!fresh) line->second += "," + without_extra_blanks(value);
  }
  return lines;
}

/// Of a source that fails, a hash of what it gave: it gives no more when the request is sent,
/// either.
std::string hash_of_body(const HttpRequest& request) {
  if (request.source == nullptr) return sha256(request.body);
  constexpr uint64_t kBlock = 256 << 10;
  const uint64_t size = request.source->size();
  std::string block(std::min(kBlock, size), '\0');
  Sha256 hash;
  for (uint64_t at = 0; at < size; at += block.size()) {
    block.resize(std::min(kBlock, size - at));
    if (!request.source->read(at, block)) break;
    hash.add(block);
  }
  return hash.finish();
}

std::string scope(std::string_view date, const SigningRules& rules) {
  return fmt::format("{}/{}/{}/aws4_request", date.substr(0, 8), rules.region, rules.service);
}

}  // namespace

SigningRules s3_signing_rules(std::string region) {
  return {std::move(region), "s3", false, false, true};
}

std::string amz_date(double time) {
  const auto seconds = static_cast<std::time_t>(time);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

CanonicalRequest canonical_request(const HttpRequest& request, std::string_view payload_hash,
                                   const SigningRules& rules) {
  CanonicalRequest canonical;
  std::string lines;
  for (const auto& [name, value] : canonical_headers(request)) {
    lines += name + ":" + value + "\n";
    canonical.signed_headers += (canonical.signed_headers.empty() ? "" : ";") + name;
  }
  canonical.text =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, canonical_path(request, rules),
                  canonical_query(request.query), lines, canonical.signed_headers, payload_hash);
  return canonical;
}

std::string string_to_sign(std::string_view canonical_request, std::string_view date,
                           const SigningRules& rules) {
  return fmt::format("{}\n{}\n{}\n{}", kAlgorithm, date, scope(date, rules),
                     hex(sha256(canonical_request)));
}

std::string signature(std::string_view string_to_sign, std::string_view date,
                      const SigningRules& rules, std::string_view secret_key) {
  std::string key = hmac_sha256("AWS4" + std::string(secret_key), date.substr(0, 8));
  for (const std::string_view part :
       {std::string_view(rules.region), std::string_view(rules.service),
        std::string_view("aws4_request")})
    key = hmac_sha256(key, part);
  return hex(hmac_sha256(key, string_to_sign));
}

void sign(HttpRequest& request, const Credentials& credentials, const SigningRules& rules,
          double now) {
  const std::string date = amz_date(now);
  const bool by_tls =
      rules.sign_put == SigningRules::SignPut::kWithoutTls && request.endpoint.scheme == "https";
  const bool unsigned_put =
      request.method == "PUT" && (by_tls || rules.sign_put == SigningRules::SignPut::kNever);
  const std::string hash =
      unsigned_put ? std::string(kUnsignedPayload) : hex(hash_of_body(request));
  request.headers.emplace_back("X-Amz-Date", date);
  if (!credentials.session_token.empty())
    request.headers.emplace_back("X-Amz-Security-Token", credentials.session_token);
  if (rules.hash_header) request.headers.emplace_back("X-Amz-Content-Sha256", hash);
  const CanonicalRequest canonical = canonical_request(request, hash, rules);
  request.headers.emplace_back(
      "Authorization",
      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                  credentials.access_key, scope(date, rules), canonical.signed_headers,
                  signature(string_to_sign(canonical.text, date, rules), date, rules,
                            credentials.secret_key)));
}

void presign(HttpRequest& request, const Credentials& credentials, const SigningRules& rules,
             double now, int expires_in, std::string_view payload_hash) {
  const std::string date = amz_date(now);
  request.query.emplace_back("X-Amz-Algorithm", kAlgorithm);
  request.query.emplace_back("X-Amz-Credential", credentials.access_key + "/" + scope(date, rules));
  request.query.emplace_back("X-Amz-Date", date);
  request.query.emplace_back("X-Amz-Expires", std::to_string(expires_in));
  if (!credentials.session_token.empty())
    request.query.emplace_back("X-Amz-Security-Token", credentials.session_token);
  request.query.emplace_back("X-Amz-SignedHeaders",
                             canonical_request(request, payload_hash, rules).signed_headers);
  const CanonicalRequest canonical = canonical_request(request, payload_hash, rules);
  request.query.emplace_back(
      "X-Amz-Signature",
      signature(string_to_sign(canonical.text, date, rules), date, rules, credentials.secret_key));
}

}  // namespace mnp::aws
