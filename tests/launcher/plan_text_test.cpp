#include "launcher/plan_text.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace mnp::launcher {
namespace {

model::Plan small_plan() {
  model::Plan plan;
  plan.run = "demo-20260131-142501-k3f9";
  plan.name = "demo";
  model::StagePlan list;
  list.spec.name = "process";
  list.spec.nodes = 100;
  list.spec.retry_attempts = 2;
  list.commands = 12345;
  list.after = {"preprocess", "calibrate"};
  model::StagePlan program;
  program.spec.name = "solve";
  program.spec.nodes = 4;
  program.spec.program = "/app/solver --grid 512";
  plan.stages = {list, program};
  return plan;
}

TEST(PlanText, IsATableAndWhenBatchTriesAgain) {
  EXPECT_EQ(plan_to_text(small_plan()),
            "demo\n"
            "STAGE    NODES  COMMANDS  ATTEMPTS  AFTER\n"
            "process  100    12345     2         preprocess, calibrate\n"
            "solve    4      program   3         -\n"
            "tried again after: exit status 3*, exit status 13*, \"Host EC2*\", \"Task failed to "
            "start*\"; not after any other end\n");
}

TEST(PlanSummary, HasExactlyTheDocumentedFields) {
  const std::string text = plan_summary_json(small_plan());
  EXPECT_EQ(text.find('\n'), std::string::npos) << "one line";
  auto json = nlohmann::json::parse(text);
  const auto rules = nlohmann::json::parse(R"([
    {"onExitCode": "3*", "action": "RETRY"}, {"onExitCode": "13*", "action": "RETRY"},
    {"onStatusReason": "Host EC2*", "action": "RETRY"},
    {"onStatusReason": "Task failed to start*", "action": "RETRY"},
    {"onReason": "*", "action": "EXIT"}])");
  for (auto& stage : json["stages"]) {
    EXPECT_EQ(stage["evaluate_on_exit"], rules);
    stage.erase("evaluate_on_exit");
  }
  EXPECT_EQ(json, nlohmann::json::parse(R"({"name": "demo", "stages": [
    {"name": "process", "nodes": 100, "commands": 12345, "program": "",
     "after": ["preprocess", "calibrate"], "attempts": 2},
    {"name": "solve", "nodes": 4, "commands": 0, "program": "/app/solver --grid 512",
     "after": [], "attempts": 3}]})"));
}

TEST(PlanSummary, StaysJsonWhateverBytesAProgramHas) {
  model::Plan plan = small_plan();
  plan.stages[1].spec.program = "run \"\xff\" \n";
  const auto json = nlohmann::json::parse(plan_summary_json(plan), nullptr, false);
  ASSERT_FALSE(json.is_discarded());
  EXPECT_EQ(json["stages"][1]["program"], "run \"\xef\xbf\xbd\" \n");
}

}  // namespace
}  // namespace mnp::launcher
