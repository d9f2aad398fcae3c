#include "aws/settings.hpp"

#include "settings_fixture.hpp"

namespace mnp::aws {
namespace {

class SettingsTest : public SettingsFixture {
 protected:
  std::string endpoint(const char* service) const {
    return load()->endpoint_options(service)->custom;
  }
};

TEST_F(SettingsTest, WithoutFilesThereIsADefaultProfileOfNothing) {
  const auto settings = load();
  ASSERT_TRUE(settings) << settings.error().text;
  EXPECT_EQ(settings->profile(), "default");
  EXPECT_EQ(settings->region(), "");
  EXPECT_FALSE(settings->profile_is_explicit());
}

TEST_F(SettingsTest, RegionsCountInTheOrderOfTheCli) {
  config("[default]\nregion = four\n");
  EXPECT_EQ(load()->region(), "four");
  variables["AWS_DEFAULT_REGION"] = "three";
  EXPECT_EQ(load()->region(), "three");
  variables["AWS_REGION"] = "two";
  EXPECT_EQ(load()->region(), "two");
  options.region = "one";
  EXPECT_EQ(load()->region(), "one");
}

TEST_F(SettingsTest, SignaturesCoverWhatIsPutWhereTheProfileSaysSo) {
  EXPECT_EQ(*load()->s3_signs_payload(), std::nullopt);
  config("[default]\ns3 =\n  payload_signing_enabled = false\n");
  EXPECT_EQ(*load()->s3_signs_payload(), false);
  config("[default]\ns3 =\n  payload_signing_enabled = true\n");
  EXPECT_EQ(*load()->s3_signs_payload(), true);
  config("[default]\ns3 =\n  payload_signing_enabled = perhaps\n");
  EXPECT_NE(load()->s3_signs_payload().error().text.find("'perhaps'"), std::string::npos);
}

TEST_F(SettingsTest, ATildeIsHomeWithoutAShellToo) {
  config("[default]\nregion = home\n");
  variables["AWS_CONFIG_FILE"] = "~/.aws/config";
  EXPECT_EQ(load()->region(), "home");
  variables["AWS_CONFIG_FILE"] = "~/.aws/none";
  EXPECT_EQ(load()->region(), "");
}

TEST_F(SettingsTest, ProfilesToo) {
  config("[profile a]\nregion = a\n[profile b]\nregion = b\n[profile c]\nregion = c\n");
  variables["AWS_DEFAULT_PROFILE"] = "c";
  EXPECT_EQ(load()->region(), "c");
  variables["AWS_PROFILE"] = "b";
  EXPECT_EQ(load()->region(), "b");
  EXPECT_FALSE(load()->profile_is_explicit());
  options.profile = "a";
  EXPECT_EQ(load()->region(), "a");
  EXPECT_TRUE(load()->profile_is_explicit());
  options.profile = "d";
  const auto missing = load();
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().text.find("there are: a, b, c"), std::string::npos);
}

TEST_F(SettingsTest, EndpointsCountFromTheMostSpecial) {
  config(
      "[default]\nendpoint_url = http://five\nservices = mine\n"
      "[services mine]\ns3 =\n  endpoint_url = http://four\n"
      "cloudwatch_logs =\n  endpoint_url = http://logs\n");
  EXPECT_EQ(endpoint("s3"), "http://four");
  EXPECT_EQ(endpoint("logs"), "http://logs");
  EXPECT_EQ(endpoint("batch"), "http://five");
  variables["AWS_ENDPOINT_URL"] = "http://three";
  EXPECT_EQ(endpoint("s3"), "http://three");
  variables["AWS_ENDPOINT_URL_S3"] = "http://two";
  EXPECT_EQ(endpoint("s3"), "http://two");
  EXPECT_EQ(endpoint("batch"), "http://three");
  options.s3_endpoint_url = "http://one";
  EXPECT_EQ(endpoint("s3"), "http://one");
  EXPECT_EQ(endpoint("sts"), "http://three");
  options.s3_endpoint_url = "";
  variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "True";
  EXPECT_EQ(endpoint("s3"), "");
}

TEST_F(SettingsTest, FlagsAreTrueOrFalse) {
  variables["AWS_USE_FIPS_ENDPOINT"] = "true";
  EXPECT_TRUE(load()->endpoint_options("s3")->fips);
  variables["AWS_USE_FIPS_ENDPOINT"] = "yes";
  const auto wrong = load()->endpoint_options("s3");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().text,
            "AWS_USE_FIPS_ENDPOINT (use_fips_endpoint) is 'yes'; true and false are allowed");
}

TEST_F(SettingsTest, BucketsStandInPathsWhereTheEndpointIsNotAws) {
  EXPECT_FALSE(*load()->s3_path_style());
  variables["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:8080";
  EXPECT_TRUE(*load()->s3_path_style());
  config("[default]\ns3 =\n  addressing_style = virtual\n");
  EXPECT_FALSE(*load()->s3_path_style());
  variables["AWS_CONFIG_FILE"] =
      write("other", "[default]\ns3 =\n  addressing_style = sideways\n").string();
  EXPECT_FALSE(load()->s3_path_style());
}

}  // namespace
}  // namespace mnp::aws
