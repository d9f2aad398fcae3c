#include "aws/profile_file.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "shared_input.hpp"

namespace mnp::aws {
namespace {

using nlohmann::json;

TEST(ProfileFile, ReadsAsTheSdksDo) {
  const auto file = shared_input("vectors/config/profile-parser-tests.json");
  if (!file) GTEST_SKIP() << file.error().text;
  const json suite = json::parse(*file);
  ASSERT_EQ(suite.at("tests").size(), 65U);
  for (const json& test : suite.at("tests")) {
    SCOPED_TRACE(test.at("name"));
    const std::string config = test.at("input").value("configFile", "");
    const std::string credentials = test.at("input").value("credentialsFile", "");
    const auto profiles = parse_profiles({"config", config}, {"credentials", credentials});
    const json& wanted = test.at("output");
    if (wanted.contains("errorContaining")) {
      ASSERT_FALSE(profiles);
      const std::string part = wanted.at("errorContaining");
      EXPECT_NE(profiles.error().text.find(part), std::string::npos) << profiles.error().text;
      continue;
    }
    ASSERT_TRUE(profiles) << profiles.error().text;
    EXPECT_EQ(json(profiles->profiles), wanted.at("config").at("profiles"));
    if (wanted.at("config").contains("sso_sessions")) {
      EXPECT_EQ(json(profiles->sso_sessions), wanted.at("config").at("sso_sessions").is_null()
                                                  ? json::object()
                                                  : wanted.at("config").at("sso_sessions"));
    }
  }
}

TEST(ProfileFile, NamesFileAndLineOfAMistake) {
  const auto wrong = parse_profiles({"/h/.aws/config", "[default]\n\nregion us-east-1\n"}, {});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().text, "/h/.aws/config:3: Expected an '=' sign defining a property");
}

TEST(ProfileFile, ServicesAndSubPropertiesAreRead) {
  const auto profiles =
      parse_profiles({"config",
                      "[profile a]\nservices = dev\ns3 =\n  addressing_style = path\n"
                      "[services dev]\ns3 =\n  endpoint_url = http://127.0.0.1:9000\n"},
                     {});
  ASSERT_TRUE(profiles);
  EXPECT_EQ(sub_properties(profiles->profiles.at("a").at("s3")).at("addressing_style"), "path");
  EXPECT_EQ(sub_properties(profiles->services.at("dev").at("s3")).at("endpoint_url"),
            "http://127.0.0.1:9000");
}

}  // namespace
}  // namespace mnp::aws
