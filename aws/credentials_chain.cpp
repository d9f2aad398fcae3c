#include <vector>

#include <fmt/format.h>

#include "aws/credentials_sources.hpp"
#include "mnp/core/clock.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

bool always(const Settings&) {
  return true;
}

/// An explicit --profile stands above the variables.
bool variables_count(const Settings& settings) {
  return !settings.profile_is_explicit();
}

/// By keys or another source, not by a web identity.
bool profile_has_role(const Settings& settings) {
  return !settings.property("role_arn").empty() &&
         settings.property("web_identity_token_file").empty();
}

bool profile_has_no_role(const Settings& settings) {
  return !profile_has_role(settings);
}

struct Link {
  const char* name;
  bool (*counts)(const Settings& settings);
  Provider (*make)(const Settings& settings, std::shared_ptr<Transport> transport);
};

// The first that is set up counts.
constexpr Link kChain[] = {
    {"environment", variables_count,
     // NOLINTNEXTLINE(performance-unnecessary-value-param): as the others of the table
     [](const Settings& settings, std::shared_ptr<Transport>) {
       return environment_credentials(settings);
     }},
    {"profile", profile_has_role, profile_credentials},
    {"web identity", variables_count, environment_web_identity},
    {"profile", profile_has_no_role, profile_credentials},
    {"container", always, container_credentials},
    {"instance", always, instance_credentials},
};

class Chain : public CredentialsProvider {
 public:
  Chain(const Settings& settings, const std::shared_ptr<Transport>& transport) {
    for (const Link& link : kChain)
      if (link.counts(settings)) links_.emplace_back(link.name, link.make(settings, transport));
  }

  Result<Credentials> get() override {
    std::vector<std::string> missing;
    for (const auto& [name, provider] : links_) {
      auto found = provider->get();
      if (found) return found;
      if (found.error().code != Code::kNotFound)
        return fail(found.error().within(fmt::format("credentials ({})", name)));
      missing.push_back(fmt::format("{}: {}", name, found.error().text));
    }
    return fail(Code::kConfig, "no AWS credentials; " + join(missing, "; ") +
                                   "; `aws configure` writes a profile");
  }

  void expired(const Credentials& credentials) override {
    for (const auto& [name, provider] : links_) provider->expired(credentials);
  }

 private:
  std::vector<std::pair<const char*, Provider>> links_;
};

}  // namespace

Provider default_credentials(const Settings& settings,
                             const std::shared_ptr<Transport>& transport) {
  return cached_credentials(std::make_shared<Chain>(settings, transport), wall_seconds);
}

}  // namespace mnp::aws
