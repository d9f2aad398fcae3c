#include "aws/batch.hpp"

#include <gtest/gtest.h>

#include "api_model.hpp"
#include "fake_service.hpp"
#include "mnp/core/text.hpp"
#include "shared_input.hpp"

namespace mnp::aws {
namespace {

using nlohmann::json;

class BatchTest : public FakeService {
 protected:
  BatchTest() : FakeService("batch") {
    request.name = "demo-k3f9-process";
    request.queue = "cpu";
    request.num_nodes = 4;
    request.attempts = 3;
    request.rules = model::standard_retry_rules();
    request.environment = {{"MNP_STAGE", "process"}, {"MNP_RUN", "demo-k3f9"}};
    request.command = {"mnp-node"};
    request.depends_on = {"job-0"};
    request.timeout = std::chrono::seconds(3600);
    place.definition = "tomo:3";
    place.share = "lab7";
    place.priority = 10;
    place.tags = {{"mnp:run", "demo-k3f9"}};
    definition.name = "tomo";
    definition.num_nodes = 100;
    definition.image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/tomo:1.4";
    definition.command = {"mnp-node"};
    definition.instance_type = "p5.48xlarge";
    definition.vcpus = 192;
    definition.memory_mib = 2000000;
    definition.gpus = 8;
    definition.job_role = "arn:aws:iam::123456789012:role/job";
    definition.execution_role = "arn:aws:iam::123456789012:role/execution";
    definition.environment = {{"OMP_NUM_THREADS", "4"}};
    definition.ulimits = {{"memlock", -1, -1}, {"nofile", 1024, 65536}};
    definition.shm_mib = 4096;
    definition.devices = {"/dev/infiniband/uverbs0"};
    definition.mounts = {{"/scratch", "/scratch", false}, {"/data", "/in", true}};
    definition.log_group = "/mnp";
    definition.log_prefix = "tomo";
    definition.tags = {{"owner", "lab"}};
  }
  BatchClient client() {
    return BatchClient(service, [this](Milliseconds time) { slept += time; });
  }
  json sent(size_t index) const { return json::parse(transport->bodies.at(index)); }

  model::SubmitJob request;
  JobPlace place;
  JobDefinition definition;
};

TEST_F(BatchTest, EveryRequestIsOneByTheModelOfTheApi) {
  const auto text = shared_input("vectors/models/batch-service-2.json");
  if (!text) GTEST_SKIP() << text.error().text;
  const ApiModel api(*text);
  const auto right = [&](const std::string& operation) {
    EXPECT_EQ(transport->requests.back().path, api.path_of(operation));
    EXPECT_EQ(transport->requests.back().method, "POST");
    EXPECT_EQ(api.judge_input(operation, json::parse(transport->bodies.back())),
              std::vector<std::string>());
  };
  BatchClient batch = client();
  transport->say(200, R"({"jobDefinitionName": "tomo", "jobDefinitionArn": "a", "revision": 7})");
  EXPECT_EQ(*batch.register_definition(definition), "tomo:7");
  right("RegisterJobDefinition");
  transport->say(200, R"({"jobId": "job-1", "jobName": "demo-k3f9-process"})");
  EXPECT_EQ(*batch.submit(request, place), "job-1");
  right("SubmitJob");
  transport->say(200, R"({"jobs": []})");
  EXPECT_TRUE(batch.describe({"job-1", "job-1#3"})->empty());
  right("DescribeJobs");
  transport->say(200, R"({"jobSummaryList": []})");
  EXPECT_TRUE(batch.find_by_name("cpu", "name")->empty());
  right("ListJobs");
  for (int state = 0; state < 7; ++state) transport->say(200, R"({"jobSummaryList": []})");
  EXPECT_TRUE(batch.nodes("job-1")->empty());
  right("ListJobs");
  transport->say(200, "");
  EXPECT_TRUE(batch.terminate("job-1", "stopped by SIGINT"));
  right("TerminateJob");
  transport->say(200, "{}");
  EXPECT_TRUE(batch.cancel("job-1", "not needed"));
  right("CancelJob");
  transport->say(200, "{}");
  EXPECT_TRUE(batch.queue_front("cpu")->empty());
  right("GetJobQueueSnapshot");
  transport->say(200, "{}");
  EXPECT_TRUE(batch.queues({"cpu"})->empty());
  right("DescribeJobQueues");
  transport->say(200, "{}");
  EXPECT_TRUE(batch.compute_environments({})->empty());
  right("DescribeComputeEnvironments");
}

TEST_F(BatchTest, TheLeastRequestsAreRightToo) {
  const auto text = shared_input("vectors/models/batch-service-2.json");
  if (!text) GTEST_SKIP() << text.error().text;
  const ApiModel api(*text);
  JobDefinition least;
  least.name = "a";
  least.image = "b";
  EXPECT_EQ(api.judge_input("RegisterJobDefinition", json::parse(register_body(least))),
            std::vector<std::string>());
  model::SubmitJob job;
  job.name = "a";
  job.queue = "q";
  EXPECT_EQ(api.judge_input("SubmitJob", json::parse(submit_body(job, {"d", "", {}, {}}))),
            std::vector<std::string>());
}

TEST_F(BatchTest, SubmitsWhatWasAskedFor) {
  const json body = json::parse(submit_body(request, place));
  EXPECT_EQ(body["nodeOverrides"]["numNodes"], 4);
  const json& range = body["nodeOverrides"]["nodePropertyOverrides"][0];
  EXPECT_EQ(range["targetNodes"], "0:");
  EXPECT_EQ(range["containerOverrides"]["command"], json({"mnp-node"}));
  EXPECT_EQ(range["containerOverrides"]["environment"].size(), 2U);
  EXPECT_EQ(range["containerOverrides"].dump().size(), model::override_bytes(request));
  EXPECT_EQ(body["retryStrategy"]["attempts"], 3);
  EXPECT_EQ(body["retryStrategy"]["evaluateOnExit"][0],
            json::parse(R"({"action": "RETRY", "onExitCode": "3*"})"));
  EXPECT_EQ(body["retryStrategy"]["evaluateOnExit"].size(), 5U);
  EXPECT_EQ(body["dependsOn"], json::parse(R"([{"jobId": "job-0"}])"));
  EXPECT_EQ(body["timeout"]["attemptDurationSeconds"], 3600);
  EXPECT_EQ(body["schedulingPriorityOverride"], 10);
  EXPECT_EQ(body["shareIdentifier"], "lab7");
}

TEST_F(BatchTest, RegistersWhatWasAskedFor) {
  const json body = json::parse(register_body(definition));
  const json& nodes = body["nodeProperties"];
  EXPECT_EQ(nodes["numNodes"], 100);
  ASSERT_EQ(nodes["nodeRangeProperties"].size(), 1U);
  const json& container = nodes["nodeRangeProperties"][0]["container"];
  EXPECT_EQ(container["resourceRequirements"], json::parse(R"([
    {"type": "VCPU", "value": "192"}, {"type": "MEMORY", "value": "2000000"},
    {"type": "GPU", "value": "8"}])"));
  EXPECT_EQ(container["ulimits"][0],
            json::parse(R"({"name": "memlock", "softLimit": -1, "hardLimit": -1})"));
  EXPECT_EQ(container["linuxParameters"]["sharedMemorySize"], 4096);
  EXPECT_EQ(container["linuxParameters"]["devices"][0]["permissions"],
            json({"READ", "WRITE", "MKNOD"}));
  EXPECT_EQ(container["mountPoints"][1]["sourceVolume"], container["volumes"][1]["name"]);
  EXPECT_EQ(container["mountPoints"][1]["readOnly"], true);
  EXPECT_EQ(container["logConfiguration"]["options"]["awslogs-group"], "/mnp");
}

TEST_F(BatchTest, LimitsAreCheckedBeforeAnythingIsSent) {
  const auto refused = [&](auto change) {
    JobDefinition bad = definition;
    change(bad);
    const auto answer = client().register_definition(bad);
    EXPECT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::kConfig);
    return answer.error().text;
  };
  EXPECT_NE(refused([](auto& d) { d.name = "a b"; }).find("'a b'"), std::string::npos);
  EXPECT_NE(refused([](auto& d) { d.image = ""; }).find("image"), std::string::npos);
  EXPECT_NE(refused([](auto& d) { d.num_nodes = 1001; }).find("1001 nodes"), std::string::npos);
  EXPECT_NE(refused([](auto& d) { d.main_node = 100; }).find("main node"), std::string::npos);
  EXPECT_NE(refused([](auto& d) { d.vcpus = 0; }).find("vCPU"), std::string::npos);
  EXPECT_NE(refused([](auto& d) { d.memory_mib = 3; }).find("MiB"), std::string::npos);
  EXPECT_NE(refused([](auto& d) { d.environment["AWS_BATCH_X"] = "1"; }).find("AWS_BATCH_X"),
            std::string::npos);
  EXPECT_NE(refused([](auto& d) { d.tags["AWS:x"] = "1"; }).find("AWS:x"), std::string::npos);
  EXPECT_NE(refused([](auto& d) {
              for (int i = 0; i < 51; ++i) d.tags[std::to_string(i)] = "";
            }).find("tags"),
            std::string::npos);
  place.priority = 10000;
  EXPECT_NE(client().submit(request, place).error().text.find("10000"), std::string::npos);
  place.priority.reset();
  place.share = "a-b";
  EXPECT_NE(client().submit(request, place).error().text.find("a-b"), std::string::npos);
  place.share = "*";
  EXPECT_NE(client().submit(request, place).error().text.find("'*'"), std::string::npos);
  place.share = "lab*";
  place.tags["long"] = std::string(257, 'x');
  EXPECT_NE(client().submit(request, place).error().text.find("257 characters"), std::string::npos);
  place.tags["long"].clear();
  for (int i = 0; i < 256; ++i) place.tags["long"] += "\u00e4";
  place.share = "";
  place.definition = "";
  EXPECT_NE(client().submit(request, place).error().text.find("definition"), std::string::npos);
  place.definition = "tomo:3";
  place.tags.clear();
  for (int i = 0; i < 50; ++i)  // each as long as allowed, and each quote is escaped
    place.tags[std::string(126, '"') + std::to_string(10 + i)] = std::string(256, '"');
  const std::string long_request = client().submit(request, place).error().text;
  for (const char* part : {"job demo-k3f9-process", "30720", "tags"})
    EXPECT_NE(long_request.find(part), std::string::npos) << long_request;
  const std::string long_definition =
      refused([](auto& d) { d.environment["LONG"] = std::string(24 << 10, 'x'); });
  for (const char* part : {"job definition tomo", "24576", "image"})
    EXPECT_NE(long_definition.find(part), std::string::npos) << long_definition;
  request.attempts = 11;
  EXPECT_NE(client().submit(request, place).error().text.find("11"), std::string::npos);
  EXPECT_TRUE(transport->requests.empty());
}

TEST_F(BatchTest, ASubmissionWhoseAnswerIsLostIsLookedForBeforeItIsMadeAgain) {
  transport->break_off();
  transport->say(200, R"({"jobSummaryList": [
    {"jobId": "other", "jobName": "demo-k3f9-process-2"},
    {"jobId": "job-9", "jobName": "demo-k3f9-process"}]})");
  EXPECT_EQ(*client().submit(request, place), "job-9");
  EXPECT_EQ(transport->requests.size(), 2U);
  EXPECT_EQ(sent(1)["filters"][0]["values"], json({request.name}));
  EXPECT_GT(slept.count(), 0) << "a listing shows a new job only after a while";
}

TEST_F(BatchTest, ASubmissionThatNeverArrivedIsMadeAgain) {
  transport->say(503);
  transport->say(200, R"({"jobSummaryList": []})");
  transport->say(200, R"({"jobId": "job-2"})");
  EXPECT_EQ(*client().submit(request, place), "job-2");
  for (int i = 0; i < 3; ++i) {
    transport->say(503);
    transport->say(200, R"({"jobSummaryList": []})");
  }
  EXPECT_EQ(client().submit(request, place).error().status, 503);
  EXPECT_TRUE(transport->answers.empty());
}

TEST_F(BatchTest, ARefusedSubmissionIsFinal) {
  transport->say(400, R"({"message": "Queue cpu does not exist"})",
                 {{"x-amzn-errortype", "ClientException"}});
  const auto answer = client().submit(request, place);
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().text.find("Queue cpu does not exist"), std::string::npos);
  EXPECT_EQ(transport->requests.size(), 1U);
}

TEST_F(BatchTest, ReadsWhatAJobHasComeTo) {
  transport->say(200, R"({"jobs": [{
    "jobId": "job-1", "jobName": "n", "jobQueue": "q", "jobArn": "arn", "jobDefinition": "d:1",
    "status": "FAILED", "statusReason": "Essential container in task exited",
    "createdAt": 1700000000000, "startedAt": 1700000001500, "stoppedAt": 1700000002000,
    "attempts": [{"container": {"exitCode": 31, "reason": "r", "logStreamName": "one"},
                  "startedAt": 1700000001500, "stoppedAt": 1700000001600,
                  "statusReason": "s"},
                 {"container": {"logStreamName": "two"}, "statusReason": "Host EC2 (i-1) terminated."}],
    "nodeProperties": {"numNodes": 4, "mainNode": 1, "nodeRangeProperties": []},
    "dependsOn": [{"jobId": "job-0"}], "isTerminated": true, "unknown": [1, {"a": null}]}]})");
  const auto jobs = client().describe({"job-1"});
  ASSERT_TRUE(jobs) << jobs.error().text;
  ASSERT_EQ(jobs->size(), 1U);
  const Job& job = jobs->front();
  EXPECT_EQ(job.state, model::JobState::kFailed);
  EXPECT_EQ(job.created, 1700000000);
  EXPECT_EQ(job.started, 1700000001.5);
  ASSERT_EQ(job.attempts.size(), 2U);
  EXPECT_EQ(job.attempts[0].exit_code, 31);
  EXPECT_EQ(job.attempts[0].reason, "r");
  EXPECT_EQ(job.attempts[1].exit_code, std::nullopt);
  EXPECT_EQ(job.attempts[1].status_reason, "Host EC2 (i-1) terminated.");
  EXPECT_EQ(job.log_stream, "two");
  EXPECT_EQ(job.num_nodes, 4U);
  EXPECT_EQ(job.main_node, 1U);
  EXPECT_EQ(job.depends_on, std::vector<std::string>{"job-0"});
  EXPECT_TRUE(job.terminated);
  EXPECT_FALSE(job.cancelled);
}

TEST_F(BatchTest, DescribesAHundredAtATime) {
  for (int i = 0; i < 3; ++i) transport->say(200, R"({"jobs": []})");
  EXPECT_TRUE(client().describe(std::vector<std::string>(201, "id")));
  EXPECT_EQ(sent(0)["jobs"].size(), 100U);
  EXPECT_EQ(sent(2)["jobs"].size(), 1U);
}

TEST_F(BatchTest, ReadsEveryPageOfNodesInEveryState) {
  const auto say = [&](const std::string& nodes, const std::string& token = "") {
    transport->say(200, "{\"jobSummaryList\": [" + nodes + "]" +
                            (token.empty() ? "" : ",\"nextToken\": \"" + token + "\"") + "}");
  };
  for (int state = 0; state < 4; ++state) say("");
  say(R"({"jobId": "j#1", "status": "RUNNING", "nodeProperties": {"nodeIndex": 1}})", "more");
  say(R"({"jobId": "j#0", "status": "RUNNING", "nodeProperties": {"nodeIndex": 0, "isMainNode": true}})");
  say("");
  say(R"({"jobId": "j#2", "status": "FAILED", "container": {"exitCode": 137},
          "nodeProperties": {"nodeIndex": 2}})");
  const auto nodes = client().nodes("j");
  ASSERT_TRUE(nodes) << nodes.error().text;
  ASSERT_EQ(nodes->size(), 3U);
  EXPECT_TRUE((*nodes)[0].is_main);
  EXPECT_EQ((*nodes)[2].id, "j#2");
  EXPECT_EQ((*nodes)[2].exit_code, 137);
  EXPECT_EQ((*nodes)[2].state, model::JobState::kFailed);
  EXPECT_EQ(sent(5)["nextToken"], "more");
  EXPECT_FALSE(sent(6).contains("nextToken"));
}

TEST_F(BatchTest, APageThatLeadsToItselfEndsTheListing) {
  for (int i = 0; i < 2; ++i) transport->say(200, R"({"jobSummaryList": [], "nextToken": "t"})");
  const auto found = client().find_by_name("q", "n");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::kProtocol);
}

TEST_F(BatchTest, ReadsQueuesAndWhatTheyRunOn) {
  transport->say(200,
                 R"({"jobQueues": [{"jobQueueName": "cpu", "jobQueueArn": "a", "state": "ENABLED",
    "status": "VALID", "priority": 5, "computeEnvironmentOrder": [
      {"order": 2, "computeEnvironment": "second"}, {"order": 1, "computeEnvironment": "first"}]}]})");
  const auto queues = client().queues({});
  ASSERT_TRUE(queues && queues->size() == 1);
  EXPECT_EQ(queues->front().compute_environments, (std::vector<std::string>{"first", "second"}));
  transport->say(200,
                 R"({"computeEnvironments": [{"computeEnvironmentName": "first", "type": "MANAGED",
    "state": "ENABLED", "status": "VALID", "computeResources": {"type": "EC2", "minvCpus": 0,
    "maxvCpus": 1024, "instanceTypes": ["c7i"], "subnets": ["s"], "securityGroupIds": ["g"],
    "placementGroup": "p", "launchTemplate": {"launchTemplateId": "lt-1"}}}]})");
  const auto environments = client().compute_environments({"first"});
  ASSERT_TRUE(environments && environments->size() == 1);
  EXPECT_EQ(environments->front().resource_type, "EC2");
  EXPECT_EQ(environments->front().max_vcpus, 1024U);
  EXPECT_EQ(environments->front().launch_template, "lt-1");
  transport->say(
      200, R"({"frontOfQueue": {"jobs": [{"jobArn": "arn", "earliestTimeAtPosition": 1500}]}})");
  const auto front = client().queue_front("cpu");
  ASSERT_TRUE(front && front->size() == 1);
  EXPECT_EQ(front->front().since, 1.5);
}

TEST_F(BatchTest, AnswersThatMakeNoSenseAreErrors) {
  for (const char* body :
       {"[]", "<html>", "{\"jobs\": [{\"jobId\": \"j\", \"status\": \"GONE\"}]}"}) {
    transport->say(200, body);
    const auto jobs = client().describe({"j"});
    ASSERT_FALSE(jobs) << body;
    EXPECT_EQ(jobs.error().code, Code::kProtocol);
  }
  transport->say(200, "{}");
  EXPECT_EQ(client().submit(request, place).error().code, Code::kProtocol);
}

}  // namespace
}  // namespace mnp::aws
