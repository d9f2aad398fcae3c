#include "aws/settings.hpp"

#include <cctype>
#include <cstdlib>

#include <fmt/format.h>

#include "mnp/core/files.hpp"
#include "mnp/core/log.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

constexpr size_t kMaxFile = size_t{1} << 20;

/// How the variables and the [services] sections call a service.
std::string settings_name(std::string_view service) {
  return service == "logs" ? "cloudwatch_logs" : std::string(service);
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string first_of(std::initializer_list<std::string> values) {
  for (const std::string& value : values)
    if (!value.empty()) return value;
  return "";
}

/// `named`: by a variable, and so meant to be there.
Result<std::string> read_if_there(const std::string& path, const std::string& named) {
  auto text = read_file(path, kMaxFile);
  if (text || text.error().code != Code::kNotFound) return text;
  if (!named.empty()) log::warning("{}={}: there is no such file", named, path);
  return std::string();
}

/// "~/x" lies in HOME, also where no shell has said so.
std::string expanded(const std::string& path, const std::string& home) {
  return starts_with(path, "~/") ? home + path.substr(1) : path;
}

Result<bool> to_bool(const std::string& text, const std::string& name) {
  const std::string word = upper(text);
  if (word == "TRUE") return true;
  if (word == "FALSE" || word.empty()) return false;
  return fail(Code::kConfig, fmt::format("{} is '{}'; true and false are allowed", name, text));
}

std::string names_of(const Profiles& profiles) {
  std::vector<std::string> names;
  for (const auto& [name, values] : profiles.profiles) names.push_back(name);
  return names.empty() ? "none" : join(names, ", ");
}

}  // namespace

Variables process_variables() {
  return [](const std::string& name) -> std::string {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? "" : value;
  };
}

Result<Settings> Settings::load(const SettingsOptions& options, Variables variables) {
  Settings settings;
  settings.options_ = options;
  settings.variables_ = std::move(variables);
  const auto& variable = settings.variables_;
  settings.folder_ = variable("HOME") + "/.aws";
  const auto file = [&](const char* name, const char* otherwise, std::string& text) {
    const std::string named = expanded(variable(name), variable("HOME"));
    std::string path = first_of({named, settings.folder_ + otherwise});
    return read_if_there(path, named.empty() ? "" : name).map([&](std::string read) {
      text = std::move(read);
      return path;
    });
  };
  std::string config_text, credentials_text;
  MNP_TRY(const std::string config, file("AWS_CONFIG_FILE", "/config", config_text));
  MNP_TRY(const std::string credentials,
          file("AWS_SHARED_CREDENTIALS_FILE", "/credentials", credentials_text));
  MNP_TRY(settings.profiles_,
          parse_profiles({config, config_text}, {credentials, credentials_text}));
  const std::string asked =
      first_of({options.profile, variable("AWS_PROFILE"), variable("AWS_DEFAULT_PROFILE")});
  settings.profile_ = asked.empty() ? "default" : asked;
  if (!asked.empty() && settings.profiles_.profiles.count(asked) == 0)
    return fail(Code::kConfig,
                fmt::format("there is no profile '{}' in {} and {}; there are: {}", asked, config,
                            credentials, names_of(settings.profiles_)));
  settings.region_ = first_of({options.region, variable("AWS_REGION"),
                               variable("AWS_DEFAULT_REGION"), settings.property("region")});
  return settings;
}

std::string Settings::property(const std::string& name) const {
  const auto profile = profiles_.profiles.find(profile_);
  if (profile == profiles_.profiles.end()) return "";
  const auto found = profile->second.find(name);
  return found == profile->second.end() ? "" : found->second;
}

std::string Settings::value(const std::string& variable, const std::string& property_name) const {
  return first_of({variables_(variable), property(property_name)});
}

Result<bool> Settings::flag(const std::string& variable, const std::string& property_name) const {
  return to_bool(value(variable, property_name), variable + " (" + property_name + ")");
}

Result<EndpointOptions> Settings::endpoint_options(std::string_view service) const {
  EndpointOptions options;
  options.region = region_;
  MNP_TRY(options.fips, flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"));
  MNP_TRY(options.dual_stack, flag("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"));
  if (service == "s3") options.custom = options_.s3_endpoint_url;
  MNP_TRY(const bool ignored,
          flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls"));
  if (!options.custom.empty() || ignored) return options;
  const std::string name = settings_name(service);
  std::string of_service;
  if (const auto section = profiles_.services.find(property("services"));
      section != profiles_.services.end())
    if (const auto found = section->second.find(name); found != section->second.end())
      of_service = sub_properties(found->second)["endpoint_url"];
  options.custom = first_of({variables_("AWS_ENDPOINT_URL_" + upper(name)),
                             variables_("AWS_ENDPOINT_URL"), of_service, property("endpoint_url")});
  return options;
}

Result<std::optional<bool>> Settings::s3_signs_payload() const {
  const std::string text = sub_properties(property("s3"))["payload_signing_enabled"];
  if (text.empty()) return std::optional<bool>();
  MNP_TRY(const bool signs, to_bool(text, "s3.payload_signing_enabled"));
  return std::optional(signs);
}

Result<bool> Settings::s3_path_style() const {
  const std::string style = sub_properties(property("s3"))["addressing_style"];
  if (style == "path") return true;
  if (style == "virtual") return false;
  if (!style.empty() && style != "auto")
    return fail(Code::kConfig, fmt::format("s3.addressing_style is '{}'; auto, path and virtual "
                                           "are allowed",
                                           style));
  MNP_TRY(const EndpointOptions options, endpoint_options("s3"));
  return !options.custom.empty();
}

}  // namespace mnp::aws
