#include <mutex>

#include "aws/credentials_sources.hpp"
#include "mnp/core/clock.hpp"

namespace mnp::aws {
namespace {

/// The chain's source, and on it one role after another.
class Profile : public CredentialsProvider {
 public:
  Profile(const Settings& settings, std::shared_ptr<Transport> transport)
      : settings_(settings), transport_(std::move(transport)) {}

  Result<Credentials> get() override {
    MNP_TRY(const Provider last, build());
    auto found = last->get();
    // The profile names a source, which has none.
    if (!found && found.error().code == Code::kNotFound)
      return fail(Code::kConfig, found.error().text);
    return found;
  }
  void expired(const Credentials&) override {
    const std::scoped_lock lock(mutex_);
    built_.reset();  // with what the sources below the last role keep
  }

 private:
  Result<Provider> build() {
    const std::scoped_lock lock(mutex_);
    if (built_) return built_;
    MNP_TRY(const ProfileChain chain, profile_chain(settings_.profiles(), settings_.profile()));
    Provider last = std::visit(*this, chain.source);
    for (const AssumedRole& role : chain.roles)
      last = role_credentials(role, cached_credentials(last, wall_seconds), settings_, transport_);
    built_ = last;
    return last;
  }

 public:
  Provider operator()(const Credentials& keys) const { return fixed_credentials(keys); }
  Provider operator()(const NamedSource& source) const {
    if (source.name == "Environment") return environment_credentials(settings_);
    if (source.name == "EcsContainer") return container_credentials(settings_, transport_);
    return instance_credentials(settings_, transport_);
  }
  Provider operator()(const WebIdentity& identity) const {
    return web_identity_credentials(identity, settings_, transport_);
  }
  Provider operator()(const SsoSource& sso) const {
    return sso_credentials(sso, settings_, transport_);
  }
  Provider operator()(const ProcessSource& process) const {
    return process_credentials(process.command);
  }

 private:
  const Settings settings_;
  const std::shared_ptr<Transport> transport_;
  std::mutex mutex_;
  Provider built_;
};

}  // namespace

Provider profile_credentials(const Settings& settings, std::shared_ptr<Transport> transport) {
  return std::make_shared<Profile>(settings, std::move(transport));
}

}  // namespace mnp::aws
