#include "mnp/model/batch.hpp"

#include <gtest/gtest.h>

namespace mnp::model {
namespace {

JobAttempt ended(std::optional<int> code,
                 std::string status_reason = "Essential container in task exited") {
  JobAttempt attempt;
  attempt.exit_code = code;
  attempt.status_reason = std::move(status_reason);
  return attempt;
}

TEST(RetryRules, FollowTheTableOfExitStatuses) {
  const auto rules = standard_retry_rules();
  ASSERT_LE(rules.size(), kMaxRetryRules);
  for (const int status : {30, 31, 32, 33, 34, 134, 137, 139})
    EXPECT_TRUE(wants_retry(rules, ended(status))) << status;
  for (const int status : {1, 2, 10, 11, 12, 20, 40, 70, 127, 143})
    EXPECT_FALSE(wants_retry(rules, ended(status))) << status;
  EXPECT_TRUE(wants_retry(rules, ended(std::nullopt, "Host EC2 (instance i-0) terminated.")));
  EXPECT_TRUE(wants_retry(rules, ended(std::nullopt, "Task failed to start - CannotPull")));
}

TEST(RetryRules, ConditionsOfOneRuleMustAllMatch) {
  const std::vector<RetryRule> rules = {{"1", "", "Host*", false}};
  EXPECT_FALSE(wants_retry(rules, ended(1, "Host EC2")));
  EXPECT_TRUE(wants_retry(rules, ended(1, "other")));
  EXPECT_TRUE(wants_retry(rules, ended(2, "Host EC2")));
}

TEST(RetryRules, WithoutAStarThePatternIsTheWhole) {
  const std::vector<RetryRule> rules = {{"3", "", "", false}};
  EXPECT_FALSE(wants_retry(rules, ended(3)));
  EXPECT_TRUE(wants_retry(rules, ended(31)));
}

TEST(RetryRules, FirstMatchDecidesAndNoMatchRetries) {
  const std::vector<RetryRule> rules = {{"3*", "", "", false}, {"31", "", "", true}};
  EXPECT_FALSE(wants_retry(rules, ended(31)));
  EXPECT_TRUE(wants_retry(rules, ended(4)));
  EXPECT_TRUE(wants_retry({}, ended(1)));
}

SubmitJob sound() {
  SubmitJob job;
  job.name = "demo-a";
  return job;
}

TEST(CheckRequest, AcceptsTheLimitsAndRefusesMore) {
  SubmitJob job = sound();
  job.attempts = 10;
  job.depends_on.assign(20, "id");
  job.rules.assign(5, {"3*", "", "", true});
  job.timeout = std::chrono::seconds(60);
  EXPECT_TRUE(check_request(job));
  for (const auto& spoil : std::vector<void (*)(SubmitJob&)>{
           [](SubmitJob& it) { it.attempts = 11; },
           [](SubmitJob& it) { it.attempts = 0; },
           [](SubmitJob& it) { it.depends_on.emplace_back("id"); },
           [](SubmitJob& it) {
             it.rules.push_back({"1", "", "", true});
           },
           [](SubmitJob& it) { it.rules[0].on_exit_code = "*3"; },
           [](SubmitJob& it) { it.rules[0].on_exit_code = "3a"; },
           [](SubmitJob& it) { it.rules[0].on_reason = "a-b"; },
           [](SubmitJob& it) { it.timeout = std::chrono::seconds(59); },
           [](SubmitJob& it) { it.main_node = 1; },
           [](SubmitJob& it) { it.num_nodes = 0; },
           [](SubmitJob& it) { it.name = "a b"; },
           [](SubmitJob& it) { it.environment["AWS_BATCH_X"] = "1"; },
           [](SubmitJob& it) { it.environment["X"] = std::string(8192, 'x'); },
       }) {
    SubmitJob bad = job;
    spoil(bad);
    const auto checked = check_request(bad);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, Code::kConfig);
  }
}

TEST(CheckRequest, CountsTheJsonAroundEachVariable) {
  SubmitJob job = sound();
  for (int i = 0; i < 250; ++i) job.environment["V" + std::to_string(100 + i)] = "0123456789";
  const auto checked = check_request(job);  // 3,500 bytes of names and values
  ASSERT_FALSE(checked);
  for (const std::string& part :
       std::vector<std::string>{"demo-a", "8192", std::to_string(override_bytes(job)), "file"})
    EXPECT_NE(checked.error().text.find(part), std::string::npos) << checked.error().text;
  job = sound();
  job.command = {""};
  job.command[0] = std::string(kMaxOverrideBytes - override_bytes(job), 'x');
  EXPECT_TRUE(check_request(job));
  job.command[0] += 'x';
  EXPECT_FALSE(check_request(job));
}

TEST(JobState, WordsGoBothWays) {
  for (const auto state :
       {JobState::kSubmitted, JobState::kPending, JobState::kRunnable, JobState::kStarting,
        JobState::kRunning, JobState::kSucceeded, JobState::kFailed})
    EXPECT_EQ(job_state(to_text(state)), state);
  EXPECT_FALSE(job_state("running"));
}

}  // namespace
}  // namespace mnp::model
