#include "aws/profile_chain.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

std::string value_of(const Properties& properties, const char* name) {
  const auto found = properties.find(name);
  return found == properties.end() ? "" : found->second;
}

/// A profile's own section, and how messages name it.
struct Section {
  const std::string& name;
  const Properties& values;

  std::string get(const char* key) const { return value_of(values, key); }
  tl::unexpected<Error> wrong(const std::string& what) const {
    return fail(Code::kConfig, fmt::format("profile `{}`: {}", name, what));
  }
};

Result<std::optional<Credentials>> keys_of(const Section& section) {
  Credentials keys;
  keys.access_key = section.get("aws_access_key_id");
  keys.secret_key = section.get("aws_secret_access_key");
  keys.session_token = section.get("aws_session_token");
  keys.account = section.get("aws_account_id");
  if (keys.access_key.empty() && keys.secret_key.empty()) return std::nullopt;
  if (keys.secret_key.empty()) return section.wrong("profile missing aws_secret_access_key");
  if (keys.access_key.empty()) return section.wrong("profile missing aws_access_key_id");
  return keys;
}

Result<SsoSource> sso_of(const Section& section, const Profiles& profiles) {
  SsoSource sso;
  sso.profile = section.name;
  sso.session = section.get("sso_session");
  sso.start_url = section.get("sso_start_url");
  sso.region = section.get("sso_region");
  sso.account = section.get("sso_account_id");
  sso.role = section.get("sso_role_name");
  if (sso.account.empty() != sso.role.empty())
    return section.wrong(fmt::format("if `{}` is set, then `{}` must also be set",
                                     sso.role.empty() ? "sso_account_id" : "sso_role_name",
                                     sso.role.empty() ? "sso_role_name" : "sso_account_id"));
  if (sso.session.empty()) {
    if (sso.start_url.empty()) return section.wrong("`sso_start_url` was missing");
    if (sso.region.empty()) return section.wrong("`sso_region` was missing");
    if (sso.account.empty()) return section.wrong("`sso_account_id` was missing");
    return sso;
  }
  for (const char* key : {"sso_region", "sso_start_url"})
    if (!section.get(key).empty())
      return section.wrong(
          fmt::format("`{}` can only be specified in the [sso-session] config "
                      "when a session name is given",
                      key));
  const auto session = profiles.sso_sessions.find(sso.session);
  if (session == profiles.sso_sessions.end())
    return fail(Code::kConfig,
                fmt::format("sso-session named `{}` (referenced by profile `{}`) was not found",
                            sso.session, section.name));
  sso.start_url = value_of(session->second, "sso_start_url");
  sso.region = value_of(session->second, "sso_region");
  if (sso.start_url.empty() || sso.region.empty())
    return fail(Code::kConfig,
                fmt::format("[sso-session {}] needs sso_start_url and sso_region", sso.session));
  return sso;
}

bool has_sso(const Section& section) {
  for (const char* key : {"sso_session", "sso_start_url", "sso_account_id", "sso_role_name"})
    if (!section.get(key).empty()) return true;
  return false;
}

/// What needs no other profile.
Result<CredentialSource> own_source(const Section& section, const Profiles& profiles) {
  if (!section.get("web_identity_token_file").empty()) {
    if (section.get("role_arn").empty()) return section.wrong("`role_arn` was missing");
    return CredentialSource(WebIdentity{section.get("role_arn"),
                                        section.get("web_identity_token_file"),
                                        section.get("role_session_name")});
  }
  if (has_sso(section)) {
    MNP_TRY(SsoSource sso, sso_of(section, profiles));
    return CredentialSource(std::move(sso));
  }
  MNP_TRY(auto keys, keys_of(section));
  if (keys) return CredentialSource(std::move(*keys));
  if (!section.get("credential_process").empty())
    return CredentialSource(ProcessSource{section.get("credential_process")});
  return fail(Code::kNotFound,
              fmt::format("profile `{}` did not contain credential information", section.name));
}

Result<NamedSource> named_source(const Section& section) {
  const std::string name = section.get("credential_source");
  const std::vector<std::string> known = {"Environment", "EcsContainer", "Ec2InstanceMetadata"};
  if (std::find(known.begin(), known.end(), name) == known.end())
    return section.wrong(
        fmt::format("credential_source `{}` is none of {}", name, join(known, ", ")));
  return NamedSource{name};
}

Result<AssumedRole> role_of(const Section& section) {
  if (!section.get("mfa_serial").empty())
    return section.wrong(
        "a role with mfa_serial asks for a code, which nobody is there to type; "
        "take keys from `aws sts get-session-token`, or use SSO");
  return AssumedRole{section.get("role_arn"), section.get("role_session_name"),
                     section.get("external_id"), section.get("duration_seconds")};
}

}  // namespace

Result<ProfileChain> profile_chain(const Profiles& profiles, const std::string& profile) {
  if (profiles.profiles.empty()) return fail(Code::kNotFound, "No profiles were defined");
  ProfileChain chain;
  std::set<std::string> seen;
  std::string name = profile, from;
  for (;;) {
    const auto found = profiles.profiles.find(name);
    if (found == profiles.profiles.end())
      return from.empty()
                 ? fail(Code::kNotFound, fmt::format("there is no profile `{}`", name))
                 : fail(Code::kConfig, fmt::format("could not find source profile {} referenced "
                                                   "from {}",
                                                   name, from));
    const Section section{found->first, found->second};
    const bool again = !seen.insert(name).second;
    if (again && from != name) return section.wrong("profile formed an infinite loop");
    const std::string next = section.get("source_profile");
    const bool named = !section.get("credential_source").empty();
    const bool assumes =
        !section.get("role_arn").empty() && section.get("web_identity_token_file").empty();
    // Keys end a chain, but not where it begins.
    const bool ends = again || (!from.empty() && !section.get("aws_access_key_id").empty());
    if (!assumes || ends) {
      auto source = own_source(section, profiles);
      if (!source && !from.empty() && source.error().code == Code::kNotFound)
        return fail(Code::kConfig, source.error().text);
      if (!source) return fail(source.error());
      chain.source = std::move(*source);
      break;
    }
    MNP_TRY(AssumedRole role, role_of(section));
    chain.roles.push_back(std::move(role));
    if (named && !next.empty())
      return section.wrong("profile contained both source_profile and credential_source");
    if (named) {
      MNP_TRY(chain.source, named_source(section));
      break;
    }
    if (next.empty())
      return section.wrong("profile must contain `source_profile` or `credential_source`");
    from = name;
    name = next;
  }
  std::reverse(chain.roles.begin(), chain.roles.end());
  return chain;
}

}  // namespace mnp::aws
