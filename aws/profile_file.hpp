// ~/.aws/config and ~/.aws/credentials, as the AWS CLI reads them. Source: "Configuration and
// credential file settings", AWS CLI User Guide, and the SDKs' own test cases.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "mnp/core/result.hpp"

namespace mnp::aws {

/// By name in lower case. A value of several lines has them one after another, each after a '\n'.
using Properties = std::map<std::string, std::string>;

/// Sections by name.
struct Profiles {
  std::map<std::string, Properties> profiles;
  std::map<std::string, Properties> sso_sessions;  // [sso-session NAME]
  std::map<std::string, Properties> services;      // [services NAME]
};

/// A file and what it is called in messages.
struct ProfileText {
  std::string name;
  std::string_view text;
};
/// What `credentials` says of a profile counts above `config`. Sections and properties whose name
/// no profile can have are skipped. kConfig: "FILE:LINE: ..." where a line makes no sense.
Result<Profiles> parse_profiles(const ProfileText& config, const ProfileText& credentials);

/// The lines of a value such as "\naddressing_style = path" as properties.
Properties sub_properties(std::string_view value);

}  // namespace mnp::aws
