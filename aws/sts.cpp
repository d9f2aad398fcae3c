#include "aws/sts.hpp"

#include <fmt/format.h>

#include "aws/credentials_document.hpp"
#include "aws/xml.hpp"
#include "mnp/core/clock.hpp"

namespace mnp::aws {
namespace {

std::string session_name(const std::string& wanted) {
  return wanted.empty() ? fmt::format("mnp-{}", static_cast<int64_t>(wall_seconds())) : wanted;
}

ApiError no_sense(const std::string& action, const std::string& what) {
  ApiError error;
  error.code = Code::kProtocol;
  error.text = fmt::format("sts: the answer to {} makes no sense: {}", action, what);
  return error;
}

}  // namespace

ApiResult<HttpResponse> Sts::call(Query query, const std::string& action) {
  query.insert(query.begin(), {{"Action", action}, {"Version", "2011-06-15"}});
  const std::string body = query_text(query);
  auto answer = service_.client->call(service_.form(body), {});
  if (!answer) answer.error().text = fmt::format("sts: {}: {}", action, answer.error().text);
  return answer;
}

ApiResult<Credentials> Sts::credentials(const Query& query, const std::string& action) {
  const auto answer = call(query, action);
  if (!answer) return fail(answer.error());
  const auto document = XmlDocument::parse(answer->body);
  if (!document) return fail(no_sense(action, document.error().text));
  const XmlElement found = document->root().child((action + "Result").c_str()).child("Credentials");
  Credentials credentials;
  credentials.access_key = found.text("AccessKeyId");
  credentials.secret_key = found.text("SecretAccessKey");
  credentials.session_token = found.text("SessionToken");
  credentials.expires = iso_time(found.text("Expiration"));
  if (credentials.access_key.empty() || credentials.secret_key.empty() || !credentials.expires)
    return fail(no_sense(action, "no credentials in it"));
  return credentials;
}

ApiResult<CallerIdentity> Sts::caller_identity() {
  const std::string action = "GetCallerIdentity";
  const auto answer = call({}, action);
  if (!answer) return fail(answer.error());
  const auto document = XmlDocument::parse(answer->body);
  if (!document) return fail(no_sense(action, document.error().text));
  const XmlElement found = document->root().child("GetCallerIdentityResult");
  const CallerIdentity identity{found.text("Account"), found.text("Arn"), found.text("UserId")};
  if (identity.arn.empty()) return fail(no_sense(action, "no ARN in it"));
  return identity;
}

ApiResult<Credentials> Sts::assume_role(const AssumedRole& role) {
  Query query = {{"RoleArn", role.role_arn}, {"RoleSessionName", session_name(role.session_name)}};
  if (!role.external_id.empty()) query.emplace_back("ExternalId", role.external_id);
  if (!role.duration.empty()) query.emplace_back("DurationSeconds", role.duration);
  return credentials(query, "AssumeRole");
}

ApiResult<Credentials> Sts::assume_role_with_web_identity(const WebIdentity& identity,
                                                          const std::string& token) {
  return credentials({{"RoleArn", identity.role_arn},
                      {"RoleSessionName", session_name(identity.session_name)},
                      {"WebIdentityToken", token}},
                     "AssumeRoleWithWebIdentity");
}

}  // namespace mnp::aws
