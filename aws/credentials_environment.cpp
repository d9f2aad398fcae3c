#include "aws/credentials_sources.hpp"

namespace mnp::aws {
namespace {

class Fixed : public CredentialsProvider {
 public:
  explicit Fixed(Credentials credentials) : credentials_(std::move(credentials)) {}
  Result<Credentials> get() override { return credentials_; }

 private:
  const Credentials credentials_;
};

class Environment : public CredentialsProvider {
 public:
  explicit Environment(const Settings& settings) : settings_(settings) {}
  Result<Credentials> get() override {
    Credentials credentials;
    credentials.access_key = settings_.variable("AWS_ACCESS_KEY_ID");
    credentials.secret_key = settings_.variable("AWS_SECRET_ACCESS_KEY");
    credentials.session_token = settings_.variable("AWS_SESSION_TOKEN");
    credentials.account = settings_.variable("AWS_ACCOUNT_ID");
    if (credentials.access_key.empty() && credentials.secret_key.empty())
      return fail(Code::kNotFound, "AWS_ACCESS_KEY_ID is not set");
    if (credentials.secret_key.empty())
      return fail(Code::kConfig, "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not");
    if (credentials.access_key.empty())
      return fail(Code::kConfig, "AWS_SECRET_ACCESS_KEY is set, AWS_ACCESS_KEY_ID is not");
    return credentials;
  }

 private:
  const Settings settings_;
};

}  // namespace

Provider fixed_credentials(Credentials credentials) {
  return std::make_shared<Fixed>(std::move(credentials));
}

Provider environment_credentials(const Settings& settings) {
  return std::make_shared<Environment>(settings);
}

}  // namespace mnp::aws
