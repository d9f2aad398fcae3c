#include "aws/endpoints.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "mnp/core/text.hpp"
#include "shared_input.hpp"

namespace mnp::aws {
namespace {

using nlohmann::json;

/// The cases that AWS's own SDKs are tested with.
class Endpoints : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string service = GetParam();
    const auto file = shared_input("vectors/endpoints/" + service + ".json");
    if (!file) GTEST_SKIP() << file.error().text;
    cases = json::parse(*file).at("testCases");
  }
  static bool is_set(const json& params, const char* name) { return params.value(name, false); }
  static EndpointOptions options(const json& params) {
    return {params.value("Region", ""), params.value("Endpoint", ""), is_set(params, "UseFIPS"),
            is_set(params, "UseDualStack")};
  }
  /// Why a case is none of ours; "" when it is.
  static std::string excluded(const json& params) {
    const std::string bucket = params.value("Bucket", "");
    if (is_set(params, "UseGlobalEndpoint") || params.value("Region", "") == "aws-global")
      return "the global endpoint is legacy: every region has its own";
    if (is_set(params, "Accelerate")) return "transfer acceleration is not used";
    if (is_set(params, "UseObjectLambdaEndpoint")) return "object lambdas are not used";
    if (is_set(params, "UseS3ExpressControlEndpoint")) return "directory buckets are not supported";
    if (starts_with(bucket, "arn:") || bucket.find("--x") != std::string::npos ||
        bucket.find("--op-s3") != std::string::npos)
      return "refused as a name";
    return "";
  }
  json cases;
};

TEST_P(Endpoints, AreThoseOfTheSdks) {
  size_t ours = 0;
  for (const json& one : cases) {
    const json params = one.value("params", json::object());
    if (!excluded(params).empty()) continue;
    ++ours;
    SCOPED_TRACE(params.dump());
    const std::string service = GetParam();
    const auto found = service == "s3" ? s3_endpoint(params.value("Bucket", ""), options(params),
                                                     is_set(params, "ForcePathStyle"))
                                       : service_endpoint(service, options(params));
    const json& wanted = one.at("expect");
    if (wanted.contains("error")) {
      EXPECT_FALSE(found) << found->text() << " in place of " << wanted.at("error");
      continue;
    }
    ASSERT_TRUE(found) << found.error().text;
    EXPECT_EQ(json(found->text()), wanted.at("endpoint").at("url"));
  }
  EXPECT_GE(ours, 48U);
}

TEST_P(Endpoints, OfNamesThatAreRefusedNoneIsGuessed) {
  for (const json& one : cases) {
    const json params = one.value("params", json::object());
    if (excluded(params) != "refused as a name") continue;
    EXPECT_FALSE(s3_endpoint(params.value("Bucket", ""), options(params), false)) << params.dump();
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Endpoints,
                         testing::Values("batch", "logs", "cloudformation", "sts", "s3"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST(EndpointErrors, SayWhatToDo) {
  const auto none = service_endpoint("batch", {});
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().text.find("AWS_REGION"), std::string::npos);
  const auto express = s3_endpoint("data--use1-az4--x-s3", {"us-east-1", "", false, false}, false);
  ASSERT_FALSE(express);
  EXPECT_NE(express.error().text.find("directory bucket"), std::string::npos);
}

}  // namespace
}  // namespace mnp::aws
