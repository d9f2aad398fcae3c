// Who signs a request.
#pragma once

#include <optional>
#include <string>

#include "mnp/core/clock.hpp"
#include "mnp/core/result.hpp"

namespace mnp::aws {

struct Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // "" for long-lived keys
  std::string account;        // where the source says it
  /// Seconds since 1970; none: they do not expire.
  std::optional<double> expires;
};

/// Where they come from. All calls may be made from any thread.
class CredentialsProvider {
 public:
  virtual ~CredentialsProvider() = default;
  /// kNotFound: this source is not set up here. Any other error: it is, and fails.
  virtual Result<Credentials> get() = 0;
  /// What a service has refused as expired is not handed out again. Sources that keep none have
  /// nothing to do.
  virtual void expired(const Credentials& credentials) { (void)credentials; }
};

}  // namespace mnp::aws
