#include "aws/cloudformation.hpp"

#include <gtest/gtest.h>

#include "fake_service.hpp"

namespace mnp::aws {
namespace {

class CloudFormationTest : public FakeService {
 protected:
  CloudFormationTest() : FakeService("cloudformation") {
    request.name = "mnp-lab";
    request.body = "Resources: {}";
    request.parameters = {{"Subnets", "a,b"}, {"Vpc", "v&1"}};
    request.capabilities = {"CAPABILITY_IAM"};
    request.tags = {{"owner", "lab"}};
  }
  void say(const std::string& action, const std::string& result) {
    transport->say(200, "<" + action + "Response><" + action + "Result>" + result + "</" + action +
                            "Result></" + action + "Response>");
  }
  void refuse(const std::string& message) {
    transport->say(400, "<ErrorResponse><Error><Code>ValidationError</Code><Message>" + message +
                            "</Message></Error></ErrorResponse>");
  }

  CloudFormation stacks{service};
  StackRequest request;
};

TEST_F(CloudFormationTest, CreatesAStackOnceAToken) {
  say("CreateStack", "<StackId>arn:1</StackId>");
  const auto id = stacks.create(request, "token-1");
  ASSERT_TRUE(id) << id.error().text;
  EXPECT_EQ(*id, "arn:1");
  EXPECT_EQ(
      transport->bodies[0],
      "Action=CreateStack&Version=2010-05-15&StackName=mnp-lab&TemplateBody=Resources%3A+%7B"
      "%7D&Parameters.member.1.ParameterKey=Subnets&Parameters.member.1.ParameterValue=a%2Cb&"
      "Parameters.member.2.ParameterKey=Vpc&Parameters.member.2.ParameterValue=v%261&"
      "Capabilities.member.1=CAPABILITY_IAM&Tags.member.1.Key=owner&Tags.member.1.Value=lab&"
      "ClientRequestToken=token-1");
}

TEST_F(CloudFormationTest, AnUpdateThatChangesNothingIsNoFailure) {
  say("UpdateStack", "<StackId>arn:1</StackId>");
  EXPECT_EQ(*stacks.update(request, "t"), true);
  refuse("No updates are to be performed.");
  EXPECT_EQ(*stacks.update(request, "t"), false);
  refuse("Parameters: [Vpc] must have values");
  EXPECT_NE(stacks.update(request, "t").error().text.find("must have values"), std::string::npos);
}

TEST_F(CloudFormationTest, ReadsAStackWithItsOutputs) {
  say("DescribeStacks", R"(<Stacks><member><StackId>arn:1</StackId><StackName>mnp-lab</StackName>
      <StackStatus>UPDATE_ROLLBACK_COMPLETE</StackStatus><StackStatusReason>r</StackStatusReason>
      <CreationTime>2026-01-31T14:25:01Z</CreationTime>
      <Outputs><member><OutputKey>Queue</OutputKey><OutputValue>cpu &amp; gpu</OutputValue></member></Outputs>
      <Parameters><member><ParameterKey>Vpc</ParameterKey><ParameterValue>v</ParameterValue></member></Parameters>
      </member></Stacks>)");
  const auto stack = stacks.describe("mnp-lab");
  ASSERT_TRUE(stack) << stack.error().text;
  EXPECT_EQ(stack->outputs.at("Queue"), "cpu & gpu");
  EXPECT_EQ(stack->parameters.at("Vpc"), "v");
  EXPECT_TRUE(stack->settled());
  EXPECT_TRUE(stack->failed());
}

TEST_F(CloudFormationTest, AStackThatIsNotThereIsNotFound) {
  refuse("Stack with id mnp-lab does not exist");
  EXPECT_EQ(stacks.describe("mnp-lab").error().code, Code::kNotFound);
  say("DescribeStacks", "<Stacks/>");
  EXPECT_EQ(stacks.describe("mnp-lab").error().code, Code::kNotFound);
}

TEST_F(CloudFormationTest, StatesAreUnderstood) {
  const auto of = [](const char* status) {
    Stack stack;
    stack.status = status;
    return std::string(stack.settled() ? "settled" : "moves") + (stack.failed() ? ", failed" : "");
  };
  EXPECT_EQ(of("CREATE_IN_PROGRESS"), "moves");
  EXPECT_EQ(of("CREATE_COMPLETE"), "settled");
  EXPECT_EQ(of("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"), "moves");
  EXPECT_EQ(of("ROLLBACK_IN_PROGRESS"), "moves, failed");
  EXPECT_EQ(of("ROLLBACK_COMPLETE"), "settled, failed");
  EXPECT_EQ(of("DELETE_FAILED"), "settled, failed");
}

TEST_F(CloudFormationTest, EventsComeOldestFirstAndOnlyNewOnes) {
  say("DescribeStackEvents", R"(<StackEvents>
      <member><EventId>4</EventId><LogicalResourceId>Queue</LogicalResourceId>
        <ResourceType>AWS::Batch::JobQueue</ResourceType><ResourceStatus>CREATE_FAILED</ResourceStatus>
        <ResourceStatusReason>why</ResourceStatusReason><Timestamp>t4</Timestamp></member>
      <member><EventId>3</EventId></member></StackEvents><NextToken>n</NextToken>)");
  say("DescribeStackEvents", R"(<StackEvents><member><EventId>2</EventId></member>
      <member><EventId>1</EventId></member></StackEvents><NextToken>more</NextToken>)");
  const auto events = stacks.events("mnp-lab", "1");
  ASSERT_TRUE(events) << events.error().text;
  ASSERT_EQ(events->size(), 3U);
  EXPECT_EQ(events->front().id, "2");
  EXPECT_EQ(events->back().reason, "why");
  EXPECT_EQ(events->back().type, "AWS::Batch::JobQueue");
  EXPECT_NE(transport->bodies[1].find("NextToken=n"), std::string::npos);
}

TEST_F(CloudFormationTest, ChangeSetsSayWhatWouldChange) {
  say("CreateChangeSet", "<Id>arn:set</Id><StackId>arn:1</StackId>");
  EXPECT_EQ(*stacks.propose(request, "set-1", true, "t-1"), "arn:set");
  EXPECT_NE(transport->bodies[0].find("ChangeSetName=set-1&ChangeSetType=CREATE&ClientToken=t-1"),
            std::string::npos);
  say("DescribeChangeSet", R"(<ChangeSetId>arn:set</ChangeSetId><Status>CREATE_COMPLETE</Status>
      <ExecutionStatus>AVAILABLE</ExecutionStatus><Changes><member><Type>Resource</Type>
      <ResourceChange><Action>Modify</Action><LogicalResourceId>Queue</LogicalResourceId>
      <ResourceType>AWS::Batch::JobQueue</ResourceType><Replacement>True</Replacement>
      </ResourceChange></member></Changes>)");
  const auto set = stacks.change_set("mnp-lab", "set-1");
  ASSERT_TRUE(set) << set.error().text;
  ASSERT_EQ(set->changes.size(), 1U);
  EXPECT_EQ(set->changes[0].action, "Modify");
  EXPECT_EQ(set->changes[0].replacement, "True");
  EXPECT_FALSE(set->empty());
  say("DescribeChangeSet", R"(<ChangeSetId>arn:set</ChangeSetId><Status>FAILED</Status>
      <StatusReason>The submitted information didn't contain changes.</StatusReason>)");
  EXPECT_TRUE(stacks.change_set("mnp-lab", "set-1")->empty());
  say("ExecuteChangeSet", "");
  EXPECT_TRUE(stacks.execute("mnp-lab", "set-1", "t"));
  say("DeleteChangeSet", "");
  EXPECT_TRUE(stacks.discard("mnp-lab", "set-1"));
  say("DeleteStack", "");
  EXPECT_TRUE(stacks.remove("mnp-lab", "t"));
}

TEST_F(CloudFormationTest, LimitsAreCheckedBeforeAnythingIsSent) {
  const auto refused = [&](auto change) {
    StackRequest bad = request;
    change(bad);
    const auto answer = stacks.create(bad, "t");
    EXPECT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::kConfig);
    return answer.error().text;
  };
  EXPECT_NE(refused([](auto& r) { r.name = "1a"; }).find("'1a'"), std::string::npos);
  EXPECT_NE(refused([](auto& r) { r.body = ""; }).find("template"), std::string::npos);
  EXPECT_NE(refused([](auto& r) { r.url = "u"; }).find("template"), std::string::npos);
  EXPECT_NE(refused([](auto& r) { r.body = std::string(kMaxTemplate + 1, 'x'); }).find("S3"),
            std::string::npos);
  EXPECT_NE(refused([](auto& r) {
              for (int i = 0; i < 201; ++i) r.parameters["P" + std::to_string(i)] = "";
            }).find("parameters"),
            std::string::npos);
  EXPECT_EQ(stacks.propose(request, "a_b", false, "t").error().code, Code::kConfig);
  EXPECT_TRUE(transport->requests.empty());
}

TEST_F(CloudFormationTest, AnswersThatMakeNoSenseAreErrors) {
  transport->say(200, "not xml");
  EXPECT_EQ(stacks.describe("a").error().code, Code::kProtocol);
  say("CreateStack", "");
  EXPECT_EQ(stacks.create(request, "t").error().code, Code::kProtocol);
  for (int i = 0; i < 2; ++i) say("DescribeStacks", "<Stacks/><NextToken>t</NextToken>");
  EXPECT_EQ(stacks.describe("a").error().code, Code::kProtocol);
}

}  // namespace
}  // namespace mnp::aws
