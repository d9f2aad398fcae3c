// Credentials as processes, containers and instances hand them out: a JSON object.
#pragma once

#include <optional>
#include <string>

#include "aws/credentials.hpp"
#include "mnp/core/result.hpp"

namespace mnp::aws {

/// Seconds since 1970 of "2026-11-26T12:00:00Z" (a fraction is passed over, an offset such as
/// +00:00 counts); nothing where it is none.
std::optional<double> iso_time(const std::string& text);

/// {"AccessKeyId", "SecretAccessKey", "Token" or "SessionToken", "Expiration", "AccountId"}; the
/// last three may be absent. kDenied: a document that says it has failed ("Code", "Message").
/// kProtocol: none of these. No text shows a secret.
Result<Credentials> credentials_from_json(const std::string& text);

}  // namespace mnp::aws
