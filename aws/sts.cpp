#include "aws/sts.hpp"

#include <fmt/format.h>

#include "aws/credentials_document.hpp"
#include "aws/query_call.hpp"
#include "mnp/core/clock.hpp"

namespace mnp::aws {
namespace {

const QueryApi kApi{"sts", "2011-06-15"};

std::string session_name(const std::string& wanted) {
  return wanted.empty() ? fmt::format("mnp-{}", static_cast<int64_t>(wall_seconds())) : wanted;
}

}  // namespace

ApiResult<Credentials> Sts::credentials(const Query& query, const std::string& action) {
  const auto answer = call_query(service_, kApi, action, query);
  if (!answer) return fail(answer.error());
  const XmlElement found = result_of(*answer, action).child("Credentials");
  Credentials credentials;
  credentials.access_key = found.text("AccessKeyId");
  credentials.secret_key = found.text("SecretAccessKey");
  credentials.session_token = found.text("SessionToken");
  credentials.expires = iso_time(found.text("Expiration"));
  if (credentials.access_key.empty() || credentials.secret_key.empty() || !credentials.expires)
    return fail(no_sense(kApi, action, "no credentials in it"));
  return credentials;
}

ApiResult<CallerIdentity> Sts::caller_identity() {
  const std::string action = "GetCallerIdentity";
  const auto answer = call_query(service_, kApi, action, {});
  if (!answer) return fail(answer.error());
  const XmlElement found = result_of(*answer, action);
  const CallerIdentity identity{found.text("Account"), found.text("Arn"), found.text("UserId")};
  if (identity.arn.empty()) return fail(no_sense(kApi, action, "no ARN in it"));
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
