#include "launcher/submitted.hpp"

#include <gtest/gtest.h>

namespace mnp::launcher {
namespace {

SubmittedJob job(const std::string& stage, const std::string& id) {
  SubmittedJob made{stage, {}};
  made.detail.id = id;
  made.detail.state = model::JobState::kFailed;
  made.detail.status_reason = "Essential container in task exited";
  made.detail.num_nodes = 4;
  made.detail.created = 1, made.detail.started = 2, made.detail.stopped = 3.5;
  made.detail.attempts = {{std::nullopt, "", "Host EC2", 2, 3}, {10, "", "exited", 3, 3.5}};
  return made;
}

TEST(Submitted, SurvivesJson) {
  Submitted submitted{"run", {}};
  submitted.submissions.push_back({1.5, 42, "here", false, true, {job("a", "1"), job("b", "2")}});
  submitted.submissions.push_back({9.5, 43, "here", true, false, {job("b", "3")}});
  const auto read = submitted_from_json(submitted_to_json(submitted));
  ASSERT_TRUE(read);
  EXPECT_EQ(submitted_to_json(*read), submitted_to_json(submitted));
  EXPECT_EQ(read->find("a")->detail.id, "1");
  EXPECT_EQ(read->find("b")->detail.id, "3") << "the latest job counts";
  EXPECT_EQ(read->find("c"), nullptr);
  EXPECT_EQ(exit_status(read->find("b")->detail), 10);
  EXPECT_TRUE(read->submissions[0].stopped);
}

TEST(Submitted, DamageIsAnError) {
  for (const char* text :
       {"", "{", "{}", R"({"run": 1, "submissions": []})", R"({"run": "r", "submissions": [{}]})"})
    EXPECT_FALSE(submitted_from_json(text)) << text;
}

}  // namespace
}  // namespace mnp::launcher
