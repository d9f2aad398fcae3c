#include "aws/credentials_sources.hpp"
#include "aws/sts.hpp"
#include "mnp/core/files.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

constexpr size_t kMaxToken = 64 << 10;

Result<Credentials> plain(ApiResult<Credentials> answer) {
  if (!answer) return fail(static_cast<Error&>(answer.error()));
  return std::move(*answer);
}

class Role : public CredentialsProvider {
 public:
  Role(AssumedRole role, Provider base, const Settings& settings,
       std::shared_ptr<Transport> transport)
      : role_(std::move(role)),
        base_(std::move(base)),
        settings_(settings),
        transport_(std::move(transport)) {}
  Result<Credentials> get() override {
    MNP_TRY(Service service, make_service("sts", settings_, transport_, base_));
    return plain(Sts(std::move(service)).assume_role(role_));
  }

 private:
  const AssumedRole role_;
  const Provider base_;
  const Settings settings_;
  const std::shared_ptr<Transport> transport_;
};

class WebIdentityRole : public CredentialsProvider {
 public:
  WebIdentityRole(WebIdentity identity, const Settings& settings,
                  std::shared_ptr<Transport> transport)
      : identity_(std::move(identity)), settings_(settings), transport_(std::move(transport)) {}
  Result<Credentials> get() override {
    const auto token = read_file(identity_.token_file, kMaxToken);
    if (!token) return fail(Code::kConfig, "the web identity token file " + token.error().text);
    MNP_TRY(Service service, make_service("sts", settings_, transport_, nullptr));
    return plain(Sts(std::move(service))
                     .assume_role_with_web_identity(identity_, std::string(trim(*token))));
  }

 private:
  const WebIdentity identity_;
  const Settings settings_;
  const std::shared_ptr<Transport> transport_;
};

/// Its variables may be set or not; the profile says what they do not.
class EnvironmentWebIdentity : public CredentialsProvider {
 public:
  EnvironmentWebIdentity(const Settings& settings, std::shared_ptr<Transport> transport)
      : settings_(settings), transport_(std::move(transport)) {}
  Result<Credentials> get() override {
    WebIdentity identity;
    identity.token_file = settings_.value("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
    identity.role_arn = settings_.value("AWS_ROLE_ARN", "role_arn");
    identity.session_name = settings_.value("AWS_ROLE_SESSION_NAME", "role_session_name");
    if (identity.token_file.empty())
      return fail(Code::kNotFound, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
    if (identity.role_arn.empty())
      return fail(Code::kConfig,
                  "AWS_WEB_IDENTITY_TOKEN_FILE (web_identity_token_file) is set, AWS_ROLE_ARN "
                  "(role_arn) is not");
    return WebIdentityRole(std::move(identity), settings_, transport_).get();
  }

 private:
  const Settings settings_;
  const std::shared_ptr<Transport> transport_;
};

}  // namespace

Provider role_credentials(AssumedRole role, Provider base, const Settings& settings,
                          std::shared_ptr<Transport> transport) {
  return std::make_shared<Role>(std::move(role), std::move(base), settings, std::move(transport));
}

Provider web_identity_credentials(WebIdentity identity, const Settings& settings,
                                  std::shared_ptr<Transport> transport) {
  return std::make_shared<WebIdentityRole>(std::move(identity), settings, std::move(transport));
}

Provider environment_web_identity(const Settings& settings, std::shared_ptr<Transport> transport) {
  return std::make_shared<EnvironmentWebIdentity>(settings, std::move(transport));
}

}  // namespace mnp::aws
