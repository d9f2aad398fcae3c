#include "launcher/log_source.hpp"

#include <gtest/gtest.h>

namespace mnp::launcher {
namespace {

TEST(LogSource, OrdersAttemptsByTheirSubmission) {
  const auto folder = TemporaryFolder::create("log-source-test-");
  const RunFolder run = run_folder(folder->path(), "r");
  Submitted submitted{"r", {}};
  for (const char* id : {"zz", "aa"}) {
    SubmittedJob job{"a", {}};
    job.detail.id = id;
    submitted.submissions.push_back({1, 1, "h", false, false, {job}});
  }
  ASSERT_TRUE(run.store->put(run.keys().submitted(), submitted_to_json(submitted)));
  const std::string attempts = run.stage("a").attempts();
  for (const char* attempt : {"aa-1", "zz-1", "zz-2", "zz-10"}) {
    for (const char* node : {"node-0000.1", "node-0003.2"})
      ASSERT_TRUE(run.store->put(attempts + "/" + attempt + "/output/" + node + "/x.log", ""));
    ASSERT_TRUE(run.store->put(attempts + "/" + attempt + "/log/node-0003.log", ""));
  }
  const auto streams = output_streams(run, "a", 3);
  ASSERT_TRUE(streams);
  ASSERT_EQ(streams->size(), 4u);
  EXPECT_EQ(streams->front(), attempts + "/zz-1/output/node-0003.2");
  EXPECT_EQ((*streams)[2], attempts + "/zz-10/output/node-0003.2");
  EXPECT_EQ(streams->back(), attempts + "/aa-1/output/node-0003.2");
  EXPECT_EQ(output_streams(run, "a", std::nullopt)->size(), 8u);
  EXPECT_EQ(node_logs(run, "a", 3)->size(), 4u);
  EXPECT_TRUE(node_logs(run, "a", 1)->empty());
  EXPECT_TRUE(output_streams(run, "b", std::nullopt)->empty());
}

}  // namespace
}  // namespace mnp::launcher
