// Batch, Logs, STS and CloudFormation as another implementation of their APIs speaks them. The
// server is the one that AWS_ENDPOINT_URL names, set up by moto_setup.py; it checks signatures.
#include <gtest/gtest.h>

#include "aws/batch.hpp"
#include "aws/cloudformation.hpp"
#include "aws/credentials_sources.hpp"
#include "aws/curl_transport.hpp"
#include "aws/logs.hpp"
#include "aws/sts.hpp"
#include "mnp/core/clock.hpp"

namespace mnp::aws {
namespace {

class Services : public testing::Test {
 protected:
  Service service(const std::string& name) {
    return *make_service(name, settings, transport, keys);
  }

  Settings settings = *Settings::load({}, process_variables());
  std::shared_ptr<Transport> transport = std::make_shared<CurlTransport>();
  Provider keys = default_credentials(settings, transport);
};

TEST_F(Services, KnowWhoAsks) {
  const auto who = Sts(service("sts")).caller_identity();
  ASSERT_TRUE(who) << who.error().text;
  EXPECT_EQ(who->arn, "arn:aws:iam::" + who->account + ":user/u");
}

TEST_F(Services, RefuseAWrongSignature) {
  Credentials wrong = *keys->get();
  wrong.secret_key.back() = wrong.secret_key.back() == 'x' ? 'y' : 'x';
  keys = fixed_credentials(wrong);
  for (const char* name : {"sts", "batch"}) {
    const auto refused = std::string(name) == "sts" ? Sts(service(name)).caller_identity().error()
                                                    : BatchClient(service(name)).queues({}).error();
    EXPECT_EQ(refused.code, Code::kDenied) << refused.text;
    EXPECT_EQ(refused.text.find(wrong.secret_key), std::string::npos);
  }
}

TEST_F(Services, RunAJobOfManyNodes) {
  BatchClient batch(service("batch"));
  JobDefinition definition;
  definition.name = "tomo";
  definition.num_nodes = 4;
  definition.image = "busybox";
  definition.command = {"mnp-node"};
  definition.environment = {{"A", "1"}};
  definition.ulimits = {{"memlock", -1, -1}};
  definition.shm_mib = 64;
  definition.tags = {{"owner", "lab"}};
  const auto named = batch.register_definition(definition);
  ASSERT_TRUE(named) << named.error().text;
  EXPECT_EQ(*named, "tomo:1");
  model::SubmitJob request;
  request.name = "demo-k3f9-a";
  request.queue = "cpu";
  request.num_nodes = 4;
  request.attempts = 3;
  request.rules = model::standard_retry_rules();
  request.environment = {{"MNP_RUN", "demo-k3f9"}};
  const auto first = batch.submit(request, {*named, "", {}, {{"mnp:run", "demo-k3f9"}}});
  ASSERT_TRUE(first) << first.error().text;
  request.name = "demo-k3f9-b";
  request.depends_on = {*first};
  const auto second = batch.submit(request, {*named, "", {}, {}});
  ASSERT_TRUE(second) << second.error().text;
  const auto jobs = batch.describe({*first, *second, "unknown"});
  ASSERT_TRUE(jobs) << jobs.error().text;
  ASSERT_EQ(jobs->size(), 2U);
  EXPECT_EQ(jobs->front().name, "demo-k3f9-a");
  EXPECT_GT(jobs->front().created, wall_seconds() - 3600);
  const auto found = batch.find_by_name("cpu", "demo-k3f9-b");
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(*found, std::vector<std::string>{*second});
  const auto stopped = batch.terminate(*second, "stopped by SIGINT");
  EXPECT_TRUE(stopped) << stopped.error().text;
}

TEST_F(Services, DescribeQueuesAndMachines) {
  BatchClient batch(service("batch"));
  const auto all = batch.queues({});
  ASSERT_TRUE(all) << all.error().text;
  EXPECT_EQ(all->size(), 2U);
  const auto one = batch.queues({"gpu"});
  ASSERT_TRUE(one && one->size() == 1);
  EXPECT_EQ(one->front().state, "ENABLED");
  const auto machines = batch.compute_environments(one->front().compute_environments);
  ASSERT_TRUE(machines) << machines.error().text;
  ASSERT_EQ(machines->size(), 1U);
  EXPECT_EQ(machines->front().name, "machines");
  EXPECT_EQ(machines->front().type, "UNMANAGED");
}

TEST_F(Services, ReadALogToItsEnd) {
  LogsClient logs(service("logs"));
  const auto events = logs.read_all("/mnp", "tomo/default/1");
  ASSERT_TRUE(events) << events.error().text;
  ASSERT_EQ(events->size(), 250U);
  EXPECT_EQ(events->front().message, "line 0");
  EXPECT_EQ(events->back().message, "line 249");
  EXPECT_EQ(logs.read("/mnp", "nobody", "").error().code, Code::kNotFound);
  EXPECT_EQ(logs.read("/nobody", "nobody", "").error().code, Code::kNotFound);
}

TEST_F(Services, MakeChangeAndRemoveAStack) {
  CloudFormation stacks(service("cloudformation"));
  StackRequest request;
  request.name = "mnp-lab";
  request.body = R"({"Parameters": {"Name": {"Type": "String"}},
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Name"}}}},
    "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}}})";
  request.parameters = {{"Name", "first"}};
  EXPECT_EQ(stacks.describe("mnp-lab").error().code, Code::kNotFound);
  const auto made = stacks.create(request, "token-1");
  ASSERT_TRUE(made) << made.error().text;
  const auto stack = stacks.describe("mnp-lab");
  ASSERT_TRUE(stack) << stack.error().text;
  EXPECT_EQ(stack->id, *made);
  EXPECT_EQ(stack->status, "CREATE_COMPLETE");
  EXPECT_NE(stack->outputs.at("Topic").find("first"), std::string::npos);
  const auto events = stacks.events("mnp-lab", "");
  ASSERT_TRUE(events && !events->empty());
  EXPECT_TRUE(stacks.events("mnp-lab", events->back().id)->empty());
  request.parameters = {{"Name", "second"}};
  const auto changed = stacks.update(request, "token-2");
  ASSERT_TRUE(changed) << changed.error().text;
  EXPECT_NE(stacks.describe("mnp-lab")->outputs.at("Topic").find("second"), std::string::npos);
  request.parameters = {{"Name", "third"}};
  const auto set = stacks.propose(request, "set-1", false, "token-4");
  ASSERT_TRUE(set) << set.error().text;
  EXPECT_EQ(stacks.change_set("mnp-lab", "set-1")->id, *set);
  EXPECT_TRUE(stacks.discard("mnp-lab", "set-1"));
  const auto removed = stacks.remove("mnp-lab", "token-3");
  EXPECT_TRUE(removed) << removed.error().text;
  EXPECT_EQ(stacks.describe("mnp-lab").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace mnp::aws
