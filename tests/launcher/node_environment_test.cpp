#include "launcher/node_environment.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace mnp::launcher {
namespace {

TEST(NodeEnvironment, JobsVariablesDoNotReachBatchs) {
  model::SubmitJob request;
  request.queue = "local";
  request.environment["FOO"] = "job";
  ::setenv("FOO", "operator", 1);
  LocalNode node;
  node.job = "id";
  const auto entries = node_environment(request, node);
  ::unsetenv("FOO");
  const auto has = [&](const std::string& entry) {
    return std::count(entries.begin(), entries.end(), entry) == 1;
  };
  EXPECT_TRUE(has("FOO=job"));
  EXPECT_FALSE(has("FOO=operator"));
  EXPECT_TRUE(has("AWS_BATCH_JOB_ID=id#0"));
  EXPECT_TRUE(has("MNP_LIFELINE_FD=3"));
}

TEST(ScratchPrefix, LeavesRoomForASocketsPath) {
  const std::string prefix = scratch_prefix(std::string(60, 'n') + "-20260131-142501-k3f9",
                                            "01234567-89ab-4cde-8123-456789abcdef");
  EXPECT_EQ(prefix, "mnp-k3f9-01234567-");
}

}  // namespace
}  // namespace mnp::launcher
