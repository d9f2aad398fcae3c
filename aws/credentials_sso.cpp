#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "aws/api_error.hpp"
#include "aws/credentials_document.hpp"
#include "aws/credentials_sources.hpp"
#include "aws/digest.hpp"
#include "aws/plain_call.hpp"
#include "mnp/core/clock.hpp"
#include "mnp/core/files.hpp"

namespace mnp::aws {
namespace {

constexpr size_t kMaxFile = 64 << 10;

using nlohmann::json;

class Sso : public CredentialsProvider {
 public:
  Sso(SsoSource sso, const Settings& settings, std::shared_ptr<Transport> transport)
      : sso_(std::move(sso)), settings_(settings), transport_(std::move(transport)) {}
  Result<Credentials> get() override;

 private:
  tl::unexpected<Error> log_in(const std::string& why) const {
    return fail(Code::kDenied,
                fmt::format("{}: run `aws sso login --profile {}`", why, sso_.profile));
  }
  Result<std::string> token() const;
  Result<HttpResponse> ask(const std::string& token);

  const SsoSource sso_;
  const Settings settings_;
  const std::shared_ptr<Transport> transport_;
};

/// The CLI names its files after the session, or the start URL where there is none.
Result<std::string> Sso::token() const {
  const std::string key = sso_.session.empty() ? sso_.start_url : sso_.session;
  const fs::path path = fs::path(settings_.folder()) / "sso/cache" / (hex(sha1(key)) + ".json");
  const auto text = read_file(path, kMaxFile);
  if (!text) return log_in("there is no SSO session");
  const json kept = json::parse(*text, nullptr, false);
  if (!kept.is_object() || !kept.contains("accessToken") || !kept["accessToken"].is_string() ||
      !kept.contains("expiresAt") || !kept["expiresAt"].is_string())
    return log_in(path.string() + " makes no sense");
  const auto expires = iso_time(kept["expiresAt"].get<std::string>());
  if (!expires || *expires <= wall_seconds()) return log_in("the SSO session has expired");
  return kept["accessToken"].get<std::string>();
}

Result<HttpResponse> Sso::ask(const std::string& token) {
  HttpRequest request;
  // The portal has a name of its own; the rest is as with any other service.
  EndpointOptions options;
  options.region = sso_.region;
  options.custom = settings_.variable("AWS_ENDPOINT_URL_SSO");
  MNP_TRY(request.endpoint, service_endpoint("portal.sso", options));
  request.path = "/federation/credentials";
  request.query = {{"account_id", sso_.account}, {"role_name", sso_.role}};
  request.headers = {{"x-amz-sso_bearer_token", token}};
  auto response = call_plain(*transport_, request, {});
  if (!response) return fail(response.error().within("sso"));
  return response;
}

Result<Credentials> Sso::get() {
  if (sso_.account.empty())
    return fail(Code::kConfig,
                fmt::format("profile `{}` needs sso_account_id and sso_role_name", sso_.profile));
  MNP_TRY(const std::string bearer, token());
  MNP_TRY(const HttpResponse response, ask(bearer));
  if (response.status == 401) return log_in("the SSO session is not accepted any more");
  if (response.status != 200) return fail(api_error(response).within("sso"));
  const json answer = json::parse(response.body, nullptr, false);
  const json& role = answer.is_object() && answer.contains("roleCredentials")
                         ? answer["roleCredentials"]
                         : json::object();
  const auto text = [&](const char* key) {
    return role.is_object() && role.contains(key) && role[key].is_string()
               ? role[key].get<std::string>()
               : std::string();
  };
  Credentials credentials;
  credentials.access_key = text("accessKeyId");
  credentials.secret_key = text("secretAccessKey");
  credentials.session_token = text("sessionToken");
  credentials.account = sso_.account;
  if (credentials.access_key.empty() || credentials.secret_key.empty())
    return fail(Code::kProtocol, "sso: no credentials in the answer");
  if (role.contains("expiration") && role["expiration"].is_number())
    credentials.expires = role["expiration"].get<double>() / 1000;
  return credentials;
}

}  // namespace

Provider sso_credentials(SsoSource sso, const Settings& settings,
                         std::shared_ptr<Transport> transport) {
  return std::make_shared<Sso>(std::move(sso), settings, std::move(transport));
}

}  // namespace mnp::aws
