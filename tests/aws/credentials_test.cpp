// Sources of credentials, each against what it asks.
#include <atomic>
#include <thread>

#include <nlohmann/json.hpp>

#include "aws/credentials_document.hpp"
#include "aws/credentials_sources.hpp"
#include "fake_transport.hpp"
#include "mnp/core/clock.hpp"
#include "settings_fixture.hpp"
#include "shared_input.hpp"

namespace mnp::aws {
namespace {

using nlohmann::json;

constexpr auto kDocument =
    R"({"Code": "Success", "AccessKeyId": "ASIA1", "SecretAccessKey": "s1", "Token": "t1",
        "Expiration": "2030-01-02T03:04:05Z"})";
constexpr double kExpires = 1893553445;

std::string sts_answer(const std::string& action, const std::string& key) {
  return "<" + action + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" + action +
         "Result><Credentials><AccessKeyId>" + key +
         "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
         "<Expiration>2030-01-02T03:04:05Z</Expiration></Credentials></" +
         action + "Result></" + action + "Response>";
}

class CredentialsTest : public SettingsFixture {
 protected:
  CredentialsTest() {
    variables["AWS_REGION"] = "eu-west-1";
    variables["AWS_EC2_METADATA_DISABLED"] = "true";
  }
  Result<Credentials> from_chain() {
    auto settings = load();
    if (!settings) return fail(settings.error());
    return default_credentials(*settings, transport)->get();
  }
  Variables lookup() const {
    return [this](const std::string& name) {
      const auto found = variables.find(name);
      return found == variables.end() ? std::string() : found->second;
    };
  }

  std::shared_ptr<FakeTransport> transport = std::make_shared<FakeTransport>();
};

TEST_F(CredentialsTest, ContainerAddressesAreThoseOfTheSdks) {
  const auto file = shared_input("vectors/config/container-credentials-tests.json");
  if (!file) GTEST_SKIP() << file.error().text;
  const json suite = json::parse(*file);
  ASSERT_EQ(suite.at("tests").size(), 11U);
  for (const json& test : suite.at("tests")) {
    SCOPED_TRACE(test.at("docs"));
    variables = test.at("env").get<std::map<std::string, std::string>>();
    const auto url = container_credentials_url(lookup());
    const json& wanted = test.at("result");
    if (wanted.contains("Ok")) {
      ASSERT_TRUE(url) << url.error().text;
      EXPECT_EQ(json(*url), wanted.at("Ok"));
    } else {
      ASSERT_FALSE(url);
      EXPECT_NE(url.error().text.find(wanted.at("ErrorContains").get<std::string>()),
                std::string::npos)
          << url.error().text;
    }
  }
}

TEST_F(CredentialsTest, VariablesStandAboveTheProfileButNotAboveOneThatIsSaid) {
  config(
      "[default]\naws_access_key_id = FILE\naws_secret_access_key = s\n"
      "[profile other]\naws_access_key_id = OTHER\naws_secret_access_key = s\n");
  EXPECT_EQ(from_chain()->access_key, "FILE");
  variables["AWS_ACCESS_KEY_ID"] = "ENV";
  EXPECT_EQ(from_chain().error().code, Code::kConfig);  // half of them
  variables["AWS_SECRET_ACCESS_KEY"] = "s";
  variables["AWS_SESSION_TOKEN"] = "t";
  EXPECT_EQ(from_chain()->access_key, "ENV");
  EXPECT_EQ(from_chain()->session_token, "t");
  variables["AWS_PROFILE"] = "other";
  EXPECT_EQ(from_chain()->access_key, "ENV");
  options.profile = "other";
  EXPECT_EQ(from_chain()->access_key, "OTHER");
}

TEST_F(CredentialsTest, WithoutAnyTheMessageSaysWhereItLooked) {
  const auto none = from_chain();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kConfig);
  for (const char* part : {"AWS_ACCESS_KEY_ID", "profile", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                           "AWS_EC2_METADATA_DISABLED", "aws configure"})
    EXPECT_NE(none.error().text.find(part), std::string::npos) << none.error().text;
}

TEST_F(CredentialsTest, RolesAreAssumedOneAfterAnother) {
  config(
      "[default]\nrole_arn = arn:a\nsource_profile = b\nexternal_id = x&y\n"
      "[profile b]\nrole_arn = arn:b\nsource_profile = c\nduration_seconds = 900\n"
      "[profile c]\naws_access_key_id = BASE\naws_secret_access_key = s\n");
  transport->say(200, sts_answer("AssumeRole", "ROLEB"));
  transport->say(200, sts_answer("AssumeRole", "ROLEA"));
  const auto found = from_chain();
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->access_key, "ROLEA");
  EXPECT_EQ(found->expires, kExpires);
  ASSERT_EQ(transport->requests.size(), 2U);
  EXPECT_EQ(transport->requests[0].endpoint.host, "sts.eu-west-1.amazonaws.com");
  EXPECT_NE(transport->bodies[0].find("RoleArn=arn%3Ab"), std::string::npos);
  EXPECT_NE(transport->bodies[0].find("DurationSeconds=900"), std::string::npos);
  EXPECT_NE(transport->bodies[1].find("ExternalId=x%26y"), std::string::npos);
  EXPECT_NE(header(transport->requests[0].headers, "Authorization").find("Credential=BASE/"),
            std::string::npos);
  EXPECT_NE(header(transport->requests[1].headers, "Authorization").find("Credential=ROLEB/"),
            std::string::npos);
}

TEST_F(CredentialsTest, ARefusedRoleIsAnErrorNotAnAbsence) {
  config(
      "[default]\nrole_arn = arn:a\nsource_profile = c\n"
      "[profile c]\naws_access_key_id = BASE\naws_secret_access_key = s\n");
  transport->say(403,
                 "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message>"
                 "</Error></ErrorResponse>");
  const auto found = from_chain();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().text, "credentials (profile): sts: AssumeRole: 403 AccessDenied: no");
}

TEST_F(CredentialsTest, AWebIdentityIsNotSigned) {
  variables["AWS_ROLE_ARN"] = "arn:eks";
  variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = write("token", "jwt\n").string();
  transport->say(200, sts_answer("AssumeRoleWithWebIdentity", "WEB"));
  const auto found = from_chain();
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->access_key, "WEB");
  EXPECT_EQ(header(transport->requests[0].headers, "Authorization"), "");
  EXPECT_NE(transport->bodies[0].find("WebIdentityToken=jwt"), std::string::npos);
  variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/nowhere/token";
  EXPECT_NE(from_chain().error().text.find("/nowhere/token"), std::string::npos);
}

TEST_F(CredentialsTest, AnEndpointOfS3IsToldNoTokens) {
  options.s3_endpoint_url = "http://s3.example:9000";
  variables["AWS_ROLE_ARN"] = "arn:eks";
  variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = write("token", "jwt").string();
  transport->say(200, sts_answer("AssumeRoleWithWebIdentity", "WEB"));
  ASSERT_TRUE(from_chain());
  EXPECT_EQ(transport->requests[0].endpoint.host, "sts.eu-west-1.amazonaws.com");
}

TEST_F(CredentialsTest, AProfileThatIsSaidLeavesOutTheVariablesAlone) {
  config("[profile bare]\nregion = eu-west-1\n");
  options.profile = "bare";
  variables["AWS_ACCESS_KEY_ID"] = variables["AWS_SECRET_ACCESS_KEY"] = "ENV";
  variables["AWS_ROLE_ARN"] = "arn:eks";
  variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = write("token", "jwt").string();
  variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/1";
  transport->say(200, kDocument);
  const auto found = from_chain();
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->access_key, "ASIA1");
  ASSERT_EQ(transport->requests.size(), 1U);
  EXPECT_EQ(transport->requests[0].endpoint.host, "169.254.170.2");
}

TEST_F(CredentialsTest, ARoleOfTheProfileStandsAboveTheWebIdentityOfTheVariables) {
  variables["AWS_ROLE_ARN"] = "arn:eks";
  variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = write("token", "jwt").string();
  config(
      "[default]\nrole_arn = arn:a\nsource_profile = c\n"
      "[profile c]\naws_access_key_id = BASE\naws_secret_access_key = s\n"
      "[profile web]\nrole_arn = arn:web\nweb_identity_token_file = /nowhere\n");
  transport->say(200, sts_answer("AssumeRole", "ROLE"));
  EXPECT_EQ(from_chain()->access_key, "ROLE");
  for (const char* profile : {"c", "web"}) {
    variables["AWS_PROFILE"] = profile;
    transport->say(200, sts_answer("AssumeRoleWithWebIdentity", "WEB"));
    EXPECT_EQ(from_chain()->access_key, "WEB") << profile;
    EXPECT_NE(transport->bodies.back().find("RoleArn=arn%3Aeks"), std::string::npos);
  }
}

TEST_F(CredentialsTest, ASourceThatTheProfileNamesMustHaveSome) {
  config("[default]\nrole_arn = arn:a\ncredential_source = Environment\n");
  variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/1";
  const auto none = from_chain();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kConfig);
  EXPECT_NE(none.error().text.find("AWS_ACCESS_KEY_ID is not set"), std::string::npos);
  EXPECT_TRUE(transport->requests.empty());
}

TEST_F(CredentialsTest, AContainerShowsItsToken) {
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1:99/creds?id=1";
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = write("auth", "Bearer abc\n").string();
  transport->say(500);
  transport->say(200, kDocument);
  const auto found = from_chain();
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->access_key, "ASIA1");
  EXPECT_EQ(transport->requests[1].url(), "http://127.0.0.1:99/creds?id=1");
  EXPECT_EQ(header(transport->requests[1].headers, "Authorization"), "Bearer abc");
  write("auth", "a\nb");
  EXPECT_NE(from_chain().error().text.find("several lines"), std::string::npos);
  write("auth", "x");
  transport->say(403);
  EXPECT_EQ(from_chain().error().code, Code::kDenied);
}

TEST_F(CredentialsTest, AnInstanceIsAskedByVersionTwo) {
  variables.erase("AWS_EC2_METADATA_DISABLED");
  transport->say(200, "TOKEN");
  transport->say(200, "my-role\n");
  transport->say(200, kDocument);
  const auto found = from_chain();
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->session_token, "t1");
  ASSERT_EQ(transport->requests.size(), 3U);
  EXPECT_EQ(transport->requests[0].method, "PUT");
  EXPECT_EQ(header(transport->requests[0].headers, "x-aws-ec2-metadata-token-ttl-seconds"),
            "21600");
  EXPECT_EQ(header(transport->requests[2].headers, "x-aws-ec2-metadata-token"), "TOKEN");
  EXPECT_EQ(transport->requests[2].url(),
            "http://169.254.169.254/latest/meta-data/iam/security-credentials/my-role");
}

TEST_F(CredentialsTest, NoInstanceAroundIsAnAbsence) {
  variables.erase("AWS_EC2_METADATA_DISABLED");
  for (const char* execution : {"", "AWS_ECS_EC2"}) {
    variables["AWS_EXECUTION_ENV"] = execution;
    transport->answers.clear();
    for (int i = 0; i < 3; ++i) transport->break_off(Code::kClosed);
    const auto none = from_chain();
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, Code::kConfig);
    EXPECT_NE(none.error().text.find("no metadata service"), std::string::npos);
  }
}

TEST_F(CredentialsTest, TroubleWhereCredentialsAreHandedOutIsNoMistakeOfConfiguration) {
  variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/1";
  for (int i = 0; i < 3; ++i) transport->say(503);
  EXPECT_EQ(from_chain().error().code, Code::kIo);
  for (int i = 0; i < 3; ++i) transport->break_off(Code::kTimeout);
  EXPECT_EQ(from_chain().error().code, Code::kTimeout);
  variables.erase("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  variables.erase("AWS_EC2_METADATA_DISABLED");
  variables["AWS_EXECUTION_ENV"] = "AWS_ECS_EC2";
  for (int i = 0; i < 3; ++i) transport->break_off(Code::kTimeout);
  EXPECT_EQ(from_chain().error().code, Code::kTimeout);
  transport->say(200, "TOKEN");
  for (int i = 0; i < 3; ++i) transport->say(500);
  EXPECT_EQ(from_chain().error().code, Code::kIo);
  transport->say(503);
  transport->say(200, "TOKEN");
  transport->say(429);
  transport->say(200, "my-role");
  transport->say(200, kDocument);
  EXPECT_EQ(from_chain()->access_key, "ASIA1");
}

TEST_F(CredentialsTest, SsoNamesTheProfileOfAChainThatIsToLogIn) {
  config(
      "[default]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = lab\n"
      "[profile lab]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = dev\n"
      "[sso-session corp]\nsso_region = us-east-2\nsso_start_url = https://corp\n");
  const auto none = from_chain();
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().text.find("aws sso login --profile lab"), std::string::npos)
      << none.error().text;
}

TEST_F(CredentialsTest, AContainersUrlIsNotShown) {
  variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/unguessable";
  transport->say(404);
  EXPECT_EQ(from_chain().error().text.find("unguessable"), std::string::npos);
  transport->say(200, "{}");
  EXPECT_EQ(from_chain().error().text.find("unguessable"), std::string::npos);
}

TEST_F(CredentialsTest, SsoUsesTheSessionOfTheCli) {
  config(
      "[default]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = dev\n"
      "[sso-session corp]\nsso_region = us-east-2\nsso_start_url = https://corp\n");
  const auto none = from_chain();
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().text.find("aws sso login --profile default"), std::string::npos);
  const std::string cache = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
  write(cache, R"({"accessToken": "tok", "expiresAt": "2020-01-01T00:00:00Z"})");
  EXPECT_NE(from_chain().error().text.find("expired"), std::string::npos);
  write(cache, R"({"accessToken": "tok", "expiresAt": "2099-01-01T00:00:00Z"})");
  transport->say(200, R"({"roleCredentials": {"accessKeyId": "SSO", "secretAccessKey": "s",
                          "sessionToken": "t", "expiration": 1893553445000}})");
  const auto found = from_chain();
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->access_key, "SSO");
  EXPECT_EQ(found->expires, kExpires);
  EXPECT_EQ(transport->requests[0].url(),
            "https://portal.sso.us-east-2.amazonaws.com/federation/credentials"
            "?account_id=111122223333&role_name=dev");
  EXPECT_EQ(header(transport->requests[0].headers, "x-amz-sso_bearer_token"), "tok");
  transport->say(401, R"({"message": "Session token not found or invalid"})");
  EXPECT_NE(from_chain().error().text.find("aws sso login"), std::string::npos);
}

TEST_F(CredentialsTest, AProcessIsRun) {
  config(
      "[default]\ncredential_process = printf '{\"Version\": 1, \"AccessKeyId\": \"P\", "
      "\"SecretAccessKey\": \"s\", \"SessionToken\": \"t\"}'\n");
  const auto found = from_chain();
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->access_key, "P");
  EXPECT_EQ(found->session_token, "t");
  EXPECT_EQ(process_credentials("exit 3")->get().error().text,
            "credential_process: it ended with 3");
  EXPECT_EQ(process_credentials("kill -9 $$")->get().error().text,
            "credential_process: it ended by signal 9");
  EXPECT_EQ(process_credentials("echo x")->get().error().text,
            "credential_process: no JSON object");
  EXPECT_EQ(process_credentials("yes")->get().error().text, "credential_process: it says too much");
}

/// Gives a numbered key that expires after `life` seconds.
class Counter : public CredentialsProvider {
 public:
  Result<Credentials> get() override {
    if (broken) return fail(Code::kTimeout, "away");
    Credentials one{"K" + std::to_string(++number), "s", "", "", {}};
    if (life > 0) one.expires = now + life;
    while (held) std::this_thread::yield();
    return one;
  }
  std::atomic<int> number = 0;
  std::atomic<double> now = 1000, life = 3600;
  std::atomic<bool> broken = false, held = false;
};

/// Asked for in another thread, it comes after a while.
bool comes(const Provider& cached, const std::string& key) {
  const TimePoint deadline = Clock::now() + std::chrono::seconds(60);
  while (cached->get()->access_key != key)
    if (Clock::now() > deadline) return false;
  return true;
}

TEST(CachedCredentials, AreRefreshedBeforeTheyExpire) {
  const auto source = std::make_shared<Counter>();
  const Provider cached = cached_credentials(source, [&]() -> double { return source->now; });
  EXPECT_EQ(cached->get()->access_key, "K1");
  source->now += 3000;
  EXPECT_EQ(cached->get()->access_key, "K1");
  source->now += 301;  // 299 s are left
  source->broken = true;
  EXPECT_EQ(cached->get()->access_key, "K1") << "they are valid still";
  source->now += 61;
  EXPECT_EQ(cached->get()->access_key, "K1");
  source->broken = false;
  source->now += 61;
  EXPECT_TRUE(comes(cached, "K2"));
  source->now += 3600;
  source->broken = true;
  EXPECT_FALSE(cached->get());
}

TEST(CachedCredentials, ThatExpireSoonAreNotAskedForAtEachCall) {
  const auto source = std::make_shared<Counter>();
  source->life = 200;
  const Provider cached = cached_credentials(source, [&]() -> double { return source->now; });
  EXPECT_EQ(cached->get()->access_key, "K1");
  source->now += 59;
  EXPECT_EQ(cached->get()->access_key, "K1");
  source->now += 2;
  source->life = 30;
  EXPECT_TRUE(comes(cached, "K2"));
  source->now += 29;
  EXPECT_EQ(cached->get()->access_key, "K2");
  source->now += 1;
  EXPECT_EQ(cached->get()->access_key, "K3") << "what has expired is of no use";
}

TEST(CachedCredentials, NobodyWaitsForASourceThatIsSlow) {
  const auto source = std::make_shared<Counter>();
  const Provider cached = cached_credentials(source, [&]() -> double { return source->now; });
  EXPECT_EQ(cached->get()->access_key, "K1");
  source->now += 3400;
  source->held = true;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(cached->get()->access_key, "K1");
  source->now += 150;  // 50 s are left
  EXPECT_EQ(cached->get()->access_key, "K1");
  source->now += 45;  // too few
  std::jthread releases([&] { source->held = false; });
  EXPECT_EQ(cached->get()->access_key, "K2");
  EXPECT_EQ(source->number, 2);
}

TEST(CachedCredentials, WhatWasRefusedIsDropped) {
  const auto source = std::make_shared<Counter>();
  source->life = 0;
  const Provider cached = cached_credentials(source, [&]() -> double { return source->now; });
  const Credentials first = *cached->get();
  cached->expired(first);
  EXPECT_EQ(cached->get()->access_key, "K2");
  cached->expired(first);  // of another thread, late
  EXPECT_EQ(cached->get()->access_key, "K2");
}

TEST(IsoTime, ReadsWhatServicesWrite) {
  EXPECT_EQ(iso_time("2030-01-02T03:04:05Z"), kExpires);
  EXPECT_EQ(iso_time("2030-01-02T03:04:05.123Z"), kExpires);
  EXPECT_EQ(iso_time("2030-01-02T04:04:05+01:00"), kExpires);
  for (const char* wrong : {"", "2030-01-02", "2030-01-02T03:04:05", "2030-01-02T03:04:05X",
                            "2030-01-02T03:04:05+1", "2030-01-02T03:04:05Z "})
    EXPECT_FALSE(iso_time(wrong)) << wrong;
}

TEST(CredentialsDocument, ErrorsShowNoSecret) {
  for (const char* text :
       {R"({"AccessKeyId": "A", "SecretAccessKey": "SECRET", "Expiration": "soon"})",
        R"({"AccessKeyId": "", "SecretAccessKey": "SECRET"})", R"(["SECRET"])", "SECRET"}) {
    const auto found = credentials_from_json(text);
    ASSERT_FALSE(found) << text;
    EXPECT_EQ(found.error().text.find("SECRET"), std::string::npos);
  }
  const auto failed = credentials_from_json(R"({"Code": "AssumeRoleFailed", "Message": "why"})");
  EXPECT_EQ(failed.error().text, "AssumeRoleFailed: why");
}

}  // namespace
}  // namespace mnp::aws
