#include "launcher/success_report.hpp"

#include <gtest/gtest.h>

namespace mnp::launcher {
namespace {

using Lines = std::vector<std::string>;

class SuccessReport : public testing::Test {
 protected:
  SuccessReport() {
    plan.spec.name = state.name = "sum";
    state.state = "SUCCEEDED";
    state.total = state.done = 5;
  }
  void publish(const std::string& path) {
    ASSERT_TRUE(run.store->put(run.stage("sum").results() + "/" + path, "x"));
  }
  Lines notes() { return stage_notes(run, plan, state); }

  TemporaryFolder folder = *TemporaryFolder::create("success-report-test-");
  RunFolder run = run_folder(folder.path(), "demo-20260131-142501-k3f9");
  model::StagePlan plan;
  StageState state;
};

TEST_F(SuccessReport, IsSilentAboutAStageWithoutSurprise) {
  EXPECT_EQ(notes(), Lines());
  plan.spec.reduce = model::Reduce{"slices/*.npy", model::ReduceOp::kSum};
  publish("slices/1.npy");
  EXPECT_EQ(notes(), Lines());
}

TEST_F(SuccessReport, ReduceThatMatchedNothingIsAWarningWithItsPattern) {
  plan.spec.reduce = model::Reduce{"slices/*.npy", model::ReduceOp::kSum};
  const Lines warning = {
      "stage sum: warning: reduce has combined nothing: no command left a file that matches "
      "'slices/*.npy' below $MNP_RESULTS"};
  EXPECT_EQ(notes(), warning) << "without results";
  publish("slice/1.npy");
  publish(".names/slices/1.npy");
  EXPECT_EQ(notes(), warning) << "with others";
}

TEST_F(SuccessReport, AllowedFailuresAndMainsRemarksAreTold) {
  state.failed = 2;
  state.reason = "node 3 is bad";
  EXPECT_EQ(
      notes(),
      (Lines{"stage sum: 2 of 5 commands failed, as allow_failures permits; `mnp logs " + run.id +
                 " sum --store " + folder.path().string() + " --failed` shows what they printed",
             "stage sum: node 3 is bad"}));
}

TEST_F(SuccessReport, PlacesAreThoseOfStagesThatPublishedSomething) {
  model::Plan all;
  all.stages = {plan, plan};
  all.stages[1].spec.name = "silent";
  ASSERT_TRUE(run.store->put(run.stage("silent").results() + "/.names/1", "x"));
  EXPECT_EQ(result_places(run, all), Lines());
  publish("a");
  EXPECT_EQ(result_places(run, all),
            (Lines{"results of sum: " + run.store->url(run.stage("sum").results())}));
}

}  // namespace
}  // namespace mnp::launcher
