#include "launcher/stage_job.hpp"

#include <gtest/gtest.h>

namespace mnp::launcher {
namespace {

TEST(StageJob, IsWhatAwsAccepts) {
  const RunFolder run = run_folder(fs::path("/data/runs"), "demo-20260131-142501-k3f9");
  model::StagePlan stage;
  stage.spec.name = "process";
  stage.spec.nodes = 100;
  stage.spec.stage_timeout = std::chrono::minutes(10);
  stage.spec.join_timeout = std::chrono::minutes(5);
  const auto job = stage_job(run, stage, {"before"}, false);
  EXPECT_TRUE(model::check_request(job));
  EXPECT_EQ(job.num_nodes, 100u);
  EXPECT_EQ(job.attempts, 3u);
  EXPECT_EQ(job.depends_on, std::vector<std::string>{"before"});
  EXPECT_GT(*job.timeout, std::chrono::minutes(15)) << "main's own timeout comes first";
  const std::map<std::string, std::string> expected = {{"MNP_STORE", "/data/runs"},
                                                       {"MNP_RUN", "demo-20260131-142501-k3f9"},
                                                       {"MNP_STAGE", "process"}};
  EXPECT_EQ(job.environment, expected);
  EXPECT_EQ(stage_job(run, stage, {}, true).environment.at("MNP_FRESH_FAILURES"), "1");
}

TEST(StageJob, LongNamesAreCut) {
  const RunFolder run = run_folder(fs::path("/s"), std::string(100, 'r'));
  model::StagePlan stage;
  stage.spec.name = std::string(64, 's');
  EXPECT_TRUE(model::check_request(stage_job(run, stage, {}, false)));
}

}  // namespace
}  // namespace mnp::launcher
