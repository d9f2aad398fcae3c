// What a profile says about where its credentials come from: a source, and the roles that are
// assumed with them, one after another. Source: "Assume role credential provider" and "Settings
// reference", AWS SDKs and Tools Reference Guide.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "aws/credentials.hpp"
#include "aws/profile_file.hpp"
#include "mnp/core/result.hpp"

namespace mnp::aws {

struct NamedSource {
  std::string name;  // "Environment", "EcsContainer" or "Ec2InstanceMetadata"
};
struct WebIdentity {
  std::string role_arn;
  std::string token_file;
  std::string session_name;  // "": any
};
struct SsoSource {
  std::string profile;  // that says so: of a chain the last
  std::string session;  // [sso-session NAME]; "" where the profile itself has the URL
  std::string start_url;
  std::string region;
  std::string account;
  std::string role;
};
struct ProcessSource {
  std::string command;
};
using CredentialSource =
    std::variant<Credentials, NamedSource, WebIdentity, SsoSource, ProcessSource>;

struct AssumedRole {
  std::string role_arn;
  std::string session_name;  // "": any
  std::string external_id;   // ""
  std::string duration;      // seconds; "" for the service's own default
};

struct ProfileChain {
  CredentialSource source;
  std::vector<AssumedRole> roles;  // in the order in which they are assumed
};

/// kNotFound: the profile has no credentials, or is not there. kConfig: what it says makes no
/// sense.
Result<ProfileChain> profile_chain(const Profiles& profiles, const std::string& profile);

}  // namespace mnp::aws
