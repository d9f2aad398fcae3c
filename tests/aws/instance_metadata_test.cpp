#include "aws/instance_metadata.hpp"

#include <nlohmann/json.hpp>

#include "fake_transport.hpp"
#include "settings_fixture.hpp"
#include "shared_input.hpp"

namespace mnp::aws {
namespace {

using nlohmann::json;

class InstanceMetadataTest : public SettingsFixture {
 protected:
  Result<std::string> read(const std::string& path) {
    auto service = InstanceMetadata::open(*load(), transport);
    if (!service) return fail(service.error());
    return service->read(path);
  }

  std::shared_ptr<FakeTransport> transport = std::make_shared<FakeTransport>();
};

TEST_F(InstanceMetadataTest, IsWhereTheSdksLookForIt) {
  const auto file = shared_input("vectors/config/imds-endpoint-tests.json");
  if (!file) GTEST_SKIP() << file.error().text;
  const json suite = json::parse(*file);
  size_t ours = 0;
  for (const json& test : suite.at("tests")) {
    if (test.contains("endpoint_override") || test.contains("mode_override"))
      continue;  // by an option of an SDK's own code, which we do not have
    ++ours;
    SCOPED_TRACE(test.at("docs"));
    variables = test.at("env").get<std::map<std::string, std::string>>();
    variables["HOME"] = folder.path().string();
    if (variables.count("AWS_CONFIG_FILE") > 0)
      variables["AWS_CONFIG_FILE"] =
          write("config", test.at("fs").at("config").get<std::string>()).string();
    const auto url = instance_metadata_url(*load());
    const json& wanted = test.at("result");
    if (!wanted.contains("Ok")) {
      EXPECT_FALSE(url) << *url;
      continue;
    }
    ASSERT_TRUE(url) << url.error().text;
    EXPECT_EQ(json(*url + "/latest/api/token"), wanted.at("Ok"));
  }
  EXPECT_EQ(ours, 11U);
}

TEST_F(InstanceMetadataTest, ShowsTheTokenThatItWasGiven) {
  transport->say(200, "TOKEN");
  transport->say(200, "i-1");
  EXPECT_EQ(*read("/latest/meta-data/instance-id"), "i-1");
  EXPECT_EQ(transport->requests[0].method, "PUT");
  EXPECT_EQ(header(transport->requests[1].headers, "x-aws-ec2-metadata-token"), "TOKEN");
  transport->say(200, "TOKEN");
  transport->say(404);
  EXPECT_EQ(read("/latest/x").error().code, Code::kNotFound);
}

TEST_F(InstanceMetadataTest, MayBeSwitchedOff) {
  variables["AWS_EC2_METADATA_DISABLED"] = "true";
  EXPECT_EQ(read("/latest/x").error().code, Code::kNotFound);
  EXPECT_TRUE(transport->requests.empty());
  variables.clear();
  transport->say(403);
  EXPECT_EQ(read("/latest/x").error().code, Code::kNotFound);
}

TEST_F(InstanceMetadataTest, IsExpectedInContainersAndOnInstances) {
  const fs::path maker = write("sys_vendor", "QEMU\n");
  EXPECT_FALSE(runs_in_aws(*load(), maker));
  EXPECT_FALSE(runs_in_aws(*load(), "/nowhere"));
  variables["ECS_CONTAINER_METADATA_URI_V4"] = "http://169.254.170.2/v4/x";
  EXPECT_TRUE(runs_in_aws(*load(), maker));
  variables.erase("ECS_CONTAINER_METADATA_URI_V4");
  write("sys_vendor", "Amazon EC2\n");
  EXPECT_TRUE(runs_in_aws(*load(), maker));
}

}  // namespace
}  // namespace mnp::aws
