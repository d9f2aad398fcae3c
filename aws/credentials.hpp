// Who signs a request.
#pragma once

#include <optional>
#include <string>

#include "mnp/core/clock.hpp"

namespace mnp::aws {

struct Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // "" for long-lived keys
  std::string account;        // where the source says it
  /// Seconds since 1970; none: they do not expire.
  std::optional<double> expires;
};

}  // namespace mnp::aws
