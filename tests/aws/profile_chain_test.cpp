#include "aws/profile_chain.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "shared_input.hpp"

namespace mnp::aws {
namespace {

using nlohmann::json;

json without_empty(const json& object) {
  json kept = json::object();
  for (const auto& [key, value] : object.items())
    if (value != "") kept[key] = value;
  return kept;
}

struct ToJson {
  json operator()(const Credentials& keys) const {
    return {{"AccessKey", without_empty({{"access_key_id", keys.access_key},
                                         {"secret_access_key", keys.secret_key},
                                         {"account_id", keys.account}})}};
  }
  json operator()(const NamedSource& source) const { return {{"NamedSource", source.name}}; }
  json operator()(const WebIdentity& source) const {
    return {{"WebIdentityToken", without_empty({{"role_arn", source.role_arn},
                                                {"web_identity_token_file", source.token_file},
                                                {"role_session_name", source.session_name}})}};
  }
  json operator()(const SsoSource& source) const {
    return {{"Sso", without_empty({{"sso_session", source.session},
                                   {"sso_start_url", source.start_url},
                                   {"sso_region", source.region},
                                   {"sso_account_id", source.account},
                                   {"sso_role_name", source.role}})}};
  }
  json operator()(const ProcessSource& source) const { return {{"Process", source.command}}; }
};

json to_json(const ProfileChain& chain) {
  json steps = json::array({std::visit(ToJson(), chain.source)});
  for (const AssumedRole& role : chain.roles)
    steps.push_back({{"AssumeRole", without_empty({{"role_arn", role.role_arn},
                                                   {"role_session_name", role.session_name},
                                                   {"external_id", role.external_id}})}});
  return steps;
}

TEST(ProfileChain, IsThatOfTheSdks) {
  const auto file = shared_input("vectors/config/assume-role-tests.json");
  if (!file) GTEST_SKIP() << file.error().text;
  const json suite = json::parse(*file);
  ASSERT_EQ(suite.size(), 28U);
  for (const json& test : suite) {
    SCOPED_TRACE(test.at("docs"));
    const json& input = test.at("input");
    Profiles profiles;
    profiles.profiles = input.at("profiles");
    profiles.sso_sessions = input.value("sso_sessions", std::map<std::string, Properties>());
    const auto chain = profile_chain(profiles, input.at("selected_profile"));
    const json& wanted = test.at("output");
    if (wanted.contains("Error")) {
      ASSERT_FALSE(chain) << to_json(*chain);
      EXPECT_NE(chain.error().text.find(wanted.at("Error").get<std::string>()), std::string::npos)
          << chain.error().text << " in place of " << wanted.at("Error");
      continue;
    }
    ASSERT_TRUE(chain) << chain.error().text;
    EXPECT_EQ(to_json(*chain), wanted.at("ProfileChain"));
  }
}

TEST(ProfileChain, WhatIsNotThereIsToldFromWhatIsWrong) {
  Profiles profiles;
  profiles.profiles["default"]["region"] = "us-east-1";
  profiles.profiles["half"]["aws_access_key_id"] = "AKIA";
  EXPECT_EQ(profile_chain(profiles, "default").error().code, Code::kNotFound);
  EXPECT_EQ(profile_chain(profiles, "none").error().code, Code::kNotFound);
  EXPECT_EQ(profile_chain(profiles, "half").error().code, Code::kConfig);
}

TEST(ProfileChain, AProcessIsASourceAndAnUnknownSourceIsNamed) {
  Profiles profiles;
  profiles.profiles["p"]["credential_process"] = "/bin/keys --json";
  profiles.profiles["q"] = {{"role_arn", "arn:x"}, {"credential_source", "Moon"}};
  profiles.profiles["m"] = {{"role_arn", "arn:x"}, {"source_profile", "p"}, {"mfa_serial", "s"}};
  const auto chain = profile_chain(profiles, "p");
  ASSERT_TRUE(chain);
  EXPECT_EQ(to_json(*chain), json::parse(R"([{"Process": "/bin/keys --json"}])"));
  EXPECT_NE(profile_chain(profiles, "q").error().text.find("Ec2InstanceMetadata"),
            std::string::npos);
  EXPECT_NE(profile_chain(profiles, "m").error().text.find("mfa_serial"), std::string::npos);
}

}  // namespace
}  // namespace mnp::aws
