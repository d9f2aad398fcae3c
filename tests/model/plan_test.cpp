#include "mnp/model/plan.hpp"

#include <regex>
#include <set>

#include <gtest/gtest.h>

namespace mnp::model {
namespace {

/// Every field differs from its default.
Plan full_plan() {
  StageSpec s;
  s.name = "b";
  s.nodes = 9;
  s.min_nodes = 8;
  s.min_alive = 7;
  s.inputs = {{"x", "a", true, true}, {"y", "/data/y", false, false}};
  s.after = {"a", "c"};
  s.commands = {"/list.txt", {"one", "tw\"o\n"}, "seq 3"};
  s.program = "solver";
  s.ranks_per_node = 8;
  s.restarts = 5;
  s.cpus = 2;
  s.memory = uint64_t{1} << 40;
  s.gpus = 1;
  s.slots = 3;
  s.timeout = Milliseconds(1);
  s.stage_timeout = Milliseconds(2);
  s.stall_timeout = Milliseconds(3);
  s.warn_signal = 10;
  s.warn_before = Milliseconds(4);
  s.tries = 6;
  s.retry_on = {75, 1};
  s.order = Order::kLongestFirst;
  s.distribution = Distribution::kBlock;
  s.on_failure = OnFailure::kStop;
  s.allow_failures = {3, 0.1};
  s.reduce = Reduce{"*.npy", ReduceOp::kMax};
  s.max_output = 77;
  s.setup = "set up";
  s.stage_inputs = false;
  s.env = {{"A", "1"}, {"B", "x y"}};
  s.cwd = "/work";
  s.retry_attempts = 4;
  s.lease = Milliseconds(5);
  s.beat = Milliseconds(6);
  s.join_timeout = Milliseconds(7);
  s.aws = {{"queue", "gpu"}};
  return {"p-1", "p", "/folder", {{s, 123456789012, {"a", "c"}}, {StageSpec{}, 0, {}}}};
}

TEST(Plan, RoundTripsEveryField) {
  const Plan plan = full_plan();
  const auto read = plan_from_json(plan_to_json(plan));
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->run, plan.run);
  EXPECT_EQ(read->name, plan.name);
  EXPECT_EQ(read->folder, plan.folder);
  ASSERT_EQ(read->stages.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read->stages[i].spec, plan.stages[i].spec);
    EXPECT_EQ(read->stages[i].commands, plan.stages[i].commands);
    EXPECT_EQ(read->stages[i].after, plan.stages[i].after);
  }
  EXPECT_EQ(plan_to_json(*read), plan_to_json(plan));
}

std::string error_after(const std::string& from, const std::string& to) {
  std::string text = plan_to_json(full_plan());
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  const auto plan = plan_from_json(text);
  return plan ? "" : plan.error().text;
}

TEST(Plan, RefusesWhatItDoesNotWrite) {
  EXPECT_EQ(error_after("\"nodes\": 9", "\"nodes\": \"9\""),
            "plan: stages[0].spec.nodes: not a whole number in range");
  EXPECT_EQ(error_after("\"nodes\": 9", "\"nodes\": -1"),
            "plan: stages[0].spec.nodes: not a whole number in range");
  EXPECT_EQ(error_after("\"nodes\": 9", "\"nodes\": 4294967296"),
            "plan: stages[0].spec.nodes: not a whole number in range");
  EXPECT_EQ(error_after("\"nodes\": 9,", ""),
            "plan: stages[0].spec.nodes: missing; written by another version of mnp?");
  EXPECT_EQ(error_after("\"nodes\": 9", "\"nodes\": 9, \"extra\": 1"),
            "plan: stages[0].spec.extra: unknown; written by another version of mnp?");
  EXPECT_EQ(error_after("\"max\"", "\"mean\""), "plan: stages[0].spec.reduce.op: not a known word");
  EXPECT_EQ(error_after("\"one\"", "1"), "plan: stages[0].spec.commands.lines[0]: not text");
  EXPECT_EQ(error_after("{", ""), "not JSON: is it a plan of mnp?");
  EXPECT_FALSE(plan_from_json("[]"));
  EXPECT_FALSE(plan_from_json(""));
}

TEST(Plan, FindsStagesByName) {
  const Plan plan = full_plan();
  ASSERT_NE(plan.find("b"), nullptr);
  EXPECT_EQ(plan.find("b")->commands, 123456789012u);
  EXPECT_EQ(plan.find("nothing"), nullptr);
}

TEST(Plan, RunIdsHaveTimeAndRandomLetters) {
  const std::string id = make_run_id("tomo");
  EXPECT_TRUE(std::regex_match(id, std::regex("tomo-[0-9]{8}-[0-9]{6}-[0-9a-z]{4}"))) << id;
  std::set<std::string> ids;
  for (int i = 0; i < 50; ++i) ids.insert(make_run_id("tomo"));
  EXPECT_GT(ids.size(), 45u);
}

}  // namespace
}  // namespace mnp::model
