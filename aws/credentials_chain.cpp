#include <vector>

#include <fmt/format.h>

#include "aws/credentials_sources.hpp"
#include "mnp/core/clock.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

struct Link {
  const char* name;
  Provider (*make)(const Settings& settings, std::shared_ptr<Transport> transport);
};

// The first that is set up counts. An explicit --profile stands above the variables.
constexpr Link kChain[] = {
    {"environment", [](const Settings& settings,
                       std::shared_ptr<Transport>) { return environment_credentials(settings); }},
    {"web identity", environment_web_identity},
    {"profile", profile_credentials},
    {"container", container_credentials},
    {"instance", instance_credentials},
};
constexpr size_t kOfExplicitProfile = 2;

class Chain : public CredentialsProvider {
 public:
  Chain(const Settings& settings, const std::shared_ptr<Transport>& transport) {
    for (const Link& link : kChain)
      if (!settings.profile_is_explicit() || &link == &kChain[kOfExplicitProfile])
        links_.emplace_back(link.name, link.make(settings, transport));
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

Provider default_credentials(const Settings& settings, std::shared_ptr<Transport> transport) {
  return cached_credentials(std::make_shared<Chain>(settings, transport), wall_seconds);
}

}  // namespace mnp::aws
