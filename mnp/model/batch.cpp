#include "mnp/model/batch.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "mnp/core/text.hpp"

namespace mnp::model {
namespace {

constexpr std::array<std::string_view, 7> kStates = {
    "SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"};

bool matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return true;
  if (pattern.back() == '*') return starts_with(text, pattern.substr(0, pattern.size() - 1));
  return pattern == text;
}

bool is_alphanumeric(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

bool is_reason_char(char c) {
  return is_alphanumeric(c) || c == '.' || c == ':' || std::isspace(static_cast<unsigned char>(c));
}

Status check_pattern(std::string_view field, std::string_view pattern, bool (*allowed)(char)) {
  if (pattern.size() > kMaxPattern)
    return fail(Code::kConfig, fmt::format("{} has {} characters; at most {} are allowed", field,
                                           pattern.size(), kMaxPattern));
  if (!pattern.empty() && pattern.back() == '*') pattern.remove_suffix(1);
  if (!std::all_of(pattern.begin(), pattern.end(), allowed))
    return fail(Code::kConfig,
                fmt::format("{} '{}' holds a character that is not allowed there; a * may stand at "
                            "its end only",
                            field, pattern));
  return {};
}

Status check_rules(const SubmitJob& request) {
  if (request.attempts < 1 || request.attempts > kMaxAttempts)
    return fail(Code::kConfig,
                fmt::format("attempts is {}; 1 to {} are allowed", request.attempts, kMaxAttempts));
  if (request.rules.size() > kMaxRetryRules)
    return fail(Code::kConfig, fmt::format("{} evaluateOnExit rules; at most {} are allowed",
                                           request.rules.size(), kMaxRetryRules));
  for (const RetryRule& rule : request.rules) {
    MNP_CHECK(check_pattern("onExitCode", rule.on_exit_code,
                            [](char c) { return c >= '0' && c <= '9'; }));
    MNP_CHECK(check_pattern("onReason", rule.on_reason, is_reason_char));
    MNP_CHECK(check_pattern("onStatusReason", rule.on_status_reason, is_reason_char));
  }
  return {};
}

Status check_name(const std::string& name) {
  const bool good = !name.empty() && name.size() <= kMaxJobName && is_alphanumeric(name.front()) &&
                    std::all_of(name.begin(), name.end(),
                                [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; });
  if (good) return {};
  return fail(Code::kConfig, fmt::format("job name '{}': up to {} letters, digits, - and _ are "
                                         "allowed, a letter or digit first",
                                         name, kMaxJobName));
}

Status check_overrides(const SubmitJob& request) {
  for (const auto& [name, value] : request.environment)
    if (starts_with(name, "AWS_BATCH"))
      return fail(Code::kConfig, name + ": variables that start with AWS_BATCH are Batch's own");
  const size_t bytes = override_bytes(request);
  if (bytes <= kMaxOverrideBytes) return {};
  return fail(Code::kConfig,
              fmt::format("environment and command of job {} have {} bytes as JSON; at most {} are "
                          "allowed: put what is long into a file, or into the job definition",
                          request.name, bytes, kMaxOverrideBytes));
}

}  // namespace

std::string_view to_text(JobState state) {
  return kStates[static_cast<size_t>(state)];
}

std::optional<JobState> job_state(std::string_view text) {
  const auto* const found = std::find(kStates.begin(), kStates.end(), text);
  if (found == kStates.end()) return std::nullopt;
  return static_cast<JobState>(found - kStates.begin());
}

size_t override_bytes(const SubmitJob& request) {
  nlohmann::json overrides = nlohmann::json::object();
  for (const auto& [name, value] : request.environment)
    overrides["environment"].push_back({{"name", name}, {"value", value}});
  if (!request.command.empty()) overrides["command"] = request.command;
  return overrides.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).size();
}

Status check_request(const SubmitJob& request) {
  MNP_CHECK(check_name(request.name));
  if (request.depends_on.size() > kMaxDependencies)
    return fail(Code::kConfig, fmt::format("{} dependencies; at most {} are allowed",
                                           request.depends_on.size(), kMaxDependencies));
  if (request.num_nodes < 1 || request.num_nodes > kMaxJobNodes)
    return fail(Code::kConfig,
                fmt::format("{} nodes; 1 to {} are allowed", request.num_nodes, kMaxJobNodes));
  if (request.main_node >= request.num_nodes)
    return fail(Code::kConfig, fmt::format("main node {} of {} nodes, which count from 0",
                                           request.main_node, request.num_nodes));
  if (request.timeout && *request.timeout < kLeastJobTimeout)
    return fail(Code::kConfig, fmt::format("a timeout of {} s; at least {} s are needed",
                                           request.timeout->count(), kLeastJobTimeout.count()));
  MNP_CHECK(check_rules(request));
  return check_overrides(request);
}

bool wants_retry(const std::vector<RetryRule>& rules, const JobAttempt& end) {
  const std::string exit_code = end.exit_code ? std::to_string(*end.exit_code) : "";
  for (const RetryRule& rule : rules)
    if (matches(rule.on_exit_code, exit_code) && matches(rule.on_reason, end.reason) &&
        matches(rule.on_status_reason, end.status_reason))
      return rule.retry;
  return true;
}

std::vector<RetryRule> standard_retry_rules() {
  return {{"3*", "", "", true},                     // our infrastructure failures
          {"13*", "", "", true},                    // main was killed: 137, 139, 134
          {"", "", "Host EC2*", true},              // the instance went away
          {"", "", "Task failed to start*", true},  // image pull and the like
          {"", "*", "", false}};
}

}  // namespace mnp::model
