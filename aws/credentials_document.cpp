#include "aws/credentials_document.hpp"

#include <cstdio>
#include <ctime>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace mnp::aws {
namespace {

std::string text_of(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

std::optional<double> iso_time(const std::string& text) {
  std::tm utc{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
  if (rest == nullptr) return std::nullopt;
  if (*rest == '.') do
      ++rest;
    while (*rest >= '0' && *rest <= '9');
  double offset = 0;
  if (std::string(rest) != "Z") {
    char sign = 0, end = 0;
    int hours = 0, minutes = 0;
    const int read = std::sscanf(rest, "%c%2d:%2d%c", &sign, &hours, &minutes, &end);
    if (read != 3 || (sign != '+' && sign != '-')) return std::nullopt;
    offset = (sign == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
  }
  return static_cast<double>(::timegm(&utc)) - offset;
}

Result<Credentials> credentials_from_json(const std::string& text) {
  const auto object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object()) return fail(Code::kProtocol, "no JSON object");
  const std::string code = text_of(object, "Code");
  if (!code.empty() && code != "Success")
    return fail(Code::kDenied, fmt::format("{}: {}", code, text_of(object, "Message")));
  Credentials credentials;
  credentials.access_key = text_of(object, "AccessKeyId");
  credentials.secret_key = text_of(object, "SecretAccessKey");
  credentials.session_token = text_of(object, "Token");
  if (credentials.session_token.empty())
    credentials.session_token = text_of(object, "SessionToken");
  credentials.account = text_of(object, "AccountId");
  for (const char* key : {"AccessKeyId", "SecretAccessKey"})
    if (text_of(object, key).empty())
      return fail(Code::kProtocol, fmt::format("no {} in the document", key));
  const std::string expiration = text_of(object, "Expiration");
  if (expiration.empty()) return credentials;
  credentials.expires = iso_time(expiration);
  if (!credentials.expires)
    return fail(Code::kProtocol, fmt::format("Expiration '{}' is no time", expiration));
  return credentials;
}

}  // namespace mnp::aws
