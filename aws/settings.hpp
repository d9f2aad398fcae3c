// Region, profile and endpoints, in the AWS CLI's order: what is said on the command line, then
// variables, then the profile. Source: "Settings reference", AWS SDKs and Tools Reference Guide.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "aws/endpoints.hpp"
#include "aws/profile_file.hpp"
#include "mnp/core/result.hpp"

namespace mnp::aws {

/// The value of a variable; "" where it is not set.
using Variables = std::function<std::string(const std::string&)>;
/// This process's own.
Variables process_variables();

/// What the command line says; "" for what it does not.
struct SettingsOptions {
  std::string profile;
  std::string region;
  std::string s3_endpoint_url;  // of S3 alone
};

class Settings {
 public:
  /// Reads the two files, where they are. kConfig: one of them makes no sense, or the profile that
  /// was asked for is in neither.
  static Result<Settings> load(const SettingsOptions& options, Variables variables);

  const Profiles& profiles() const { return profiles_; }
  const std::string& profile() const { return profile_; }
  /// By --profile: then the key variables do not count.
  bool profile_is_explicit() const { return !options_.profile.empty(); }
  const std::string& region() const { return region_; }
  void set_region(std::string region) { region_ = std::move(region); }
  std::string variable(const std::string& name) const { return variables_(name); }
  /// Of the profile; "".
  std::string property(const std::string& name) const;
  /// The variable, or else the property.
  std::string value(const std::string& variable, const std::string& property) const;
  /// The same; kConfig where it is neither true nor false.
  Result<bool> flag(const std::string& variable, const std::string& property) const;

  /// `service`: batch, s3, logs, cloudformation or sts.
  Result<EndpointOptions> endpoint_options(std::string_view service) const;
  /// Whether buckets stand in paths: where s3.addressing_style says so, and by default with an
  /// endpoint that is not AWS's.
  Result<bool> s3_path_style() const;
  /// s3.payload_signing_enabled: whether signatures cover what is put; nullopt: as the transport
  /// asks for.
  Result<std::optional<bool>> s3_signs_payload() const;
  /// ~/.aws/config's folder.
  std::string folder() const { return folder_; }

 private:
  SettingsOptions options_;
  Variables variables_;
  Profiles profiles_;
  std::string profile_;
  std::string region_;
  std::string folder_;
};

}  // namespace mnp::aws
