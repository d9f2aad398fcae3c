#include "aws/region.hpp"

#include "aws/instance_metadata.hpp"
#include "fake_transport.hpp"
#include "settings_fixture.hpp"

namespace mnp::aws {
namespace {

constexpr auto kTask =
    R"({"Cluster": "batch", "TaskARN": "arn:aws:ecs:us-west-2:111122223333:task/batch/158d"})";

class RegionTest : public SettingsFixture {
 protected:
  void in_a_container() {
    variables["ECS_CONTAINER_METADATA_URI_V4"] = "http://169.254.170.2/v4/3b5d";
  }
  Result<std::string> region() {
    auto settings = load();
    if (!settings) return fail(settings.error());
    MNP_CHECK(find_region(*settings, transport));
    return settings->region();
  }

  std::shared_ptr<FakeTransport> transport = std::make_shared<FakeTransport>();
};

TEST_F(RegionTest, OfAContainerIsThatOfItsTask) {
  in_a_container();
  transport->say(200, kTask);
  EXPECT_EQ(*region(), "us-west-2");
  ASSERT_EQ(transport->requests.size(), 1U);
  EXPECT_EQ(transport->requests[0].url(), "http://169.254.170.2/v4/3b5d/task");
}

TEST_F(RegionTest, IsTheInstancesWhereTheTaskSaysNone) {
  in_a_container();
  transport->say(200, "{}");
  transport->say(200, "TOKEN");
  transport->say(200, "eu-north-1\n");
  EXPECT_EQ(*region(), "eu-north-1");
  EXPECT_EQ(transport->requests.back().url(),
            "http://169.254.169.254/latest/meta-data/placement/region");
}

TEST_F(RegionTest, WhatIsConfiguredCountsAndNobodyIsAsked) {
  in_a_container();
  config("[default]\nregion = ap-south-1\n");
  EXPECT_EQ(*region(), "ap-south-1");
  variables["AWS_CONFIG_FILE"] = "/nowhere";
  variables["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9000";
  EXPECT_EQ(*region(), "") << "a server of one's own";
  EXPECT_TRUE(transport->requests.empty());
}

TEST_F(RegionTest, OnOtherMachinesNobodyIsAsked) {
  if (runs_in_aws(*load())) GTEST_SKIP() << "this is one of AWS's";
  EXPECT_EQ(*region(), "");
  EXPECT_TRUE(transport->requests.empty());
}

TEST_F(RegionTest, SilenceWhereOneIsToldIsWorthAnotherAttempt) {
  in_a_container();
  variables["AWS_EC2_METADATA_DISABLED"] = "true";
  transport->break_off();
  const auto none = region();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kStore);
  EXPECT_NE(none.error().text.find("AWS_REGION"), std::string::npos);
}

}  // namespace
}  // namespace mnp::aws
