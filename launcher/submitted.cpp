#include "launcher/submitted.hpp"

#include <nlohmann/json.hpp>

namespace mnp::launcher {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const model::JobAttempt& attempt) {
  Json json;
  json["exit_code"] = attempt.exit_code ? Json(*attempt.exit_code) : Json(nullptr);
  json["status_reason"] = attempt.status_reason;
  json["started"] = attempt.started;
  json["stopped"] = attempt.stopped;
  return json;
}

Json to_json(const SubmittedJob& job) {
  const model::JobDetail& detail = job.detail;
  Json json;
  json["stage"] = job.stage;
  json["job"] = detail.id;
  json["state"] = model::to_text(detail.state);
  json["status_reason"] = detail.status_reason;
  json["nodes"] = detail.num_nodes;
  json["created"] = detail.created;
  json["started"] = detail.started;
  json["stopped"] = detail.stopped;
  json["attempts"] = Json::array();
  for (const auto& attempt : detail.attempts) json["attempts"].push_back(to_json(attempt));
  return json;
}

Json to_json(const Submission& submission) {
  Json json;
  json["time"] = submission.time;
  json["pid"] = submission.pid;
  json["host"] = submission.host;
  json["fresh_failures"] = submission.fresh_failures;
  json["stopped"] = submission.stopped;
  json["jobs"] = Json::array();
  for (const auto& job : submission.jobs) json["jobs"].push_back(to_json(job));
  return json;
}

model::JobAttempt attempt_of(const Json& json) {
  model::JobAttempt attempt;
  if (json.at("exit_code").is_number_integer()) attempt.exit_code = json.at("exit_code").get<int>();
  attempt.status_reason = json.at("status_reason");
  attempt.started = json.at("started");
  attempt.stopped = json.at("stopped");
  return attempt;
}

SubmittedJob job_of(const Json& json) {
  SubmittedJob job;
  job.stage = json.at("stage");
  job.detail.id = json.at("job");
  job.detail.state =
      model::job_state(json.at("state").get<std::string>()).value_or(model::JobState::kSubmitted);
  job.detail.status_reason = json.at("status_reason");
  job.detail.num_nodes = json.at("nodes");
  job.detail.created = json.at("created");
  job.detail.started = json.at("started");
  job.detail.stopped = json.at("stopped");
  for (const auto& attempt : json.at("attempts"))
    job.detail.attempts.push_back(attempt_of(attempt));
  return job;
}

Submission submission_of(const Json& json) {
  Submission submission;
  submission.time = json.at("time");
  submission.pid = json.at("pid");
  submission.host = json.at("host");
  submission.fresh_failures = json.at("fresh_failures");
  submission.stopped = json.at("stopped");
  for (const auto& job : json.at("jobs")) submission.jobs.push_back(job_of(job));
  return submission;
}

}  // namespace

const SubmittedJob* Submitted::find(const std::string& stage) const {
  for (auto submission = submissions.rbegin(); submission != submissions.rend(); ++submission)
    for (const SubmittedJob& job : submission->jobs)
      if (job.stage == stage) return &job;
  return nullptr;
}

std::string submitted_to_json(const Submitted& submitted) {
  Json json;
  json["run"] = submitted.run;
  json["submissions"] = Json::array();
  for (const auto& each : submitted.submissions) json["submissions"].push_back(to_json(each));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Submitted> submitted_from_json(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    Submitted submitted;
    submitted.run = json.at("run");
    for (const auto& each : json.at("submissions"))
      submitted.submissions.push_back(submission_of(each));
    return submitted;
  } catch (const Json::exception& error) {
    return fail(Code::kConfig, std::string("submitted.json: ") + error.what());
  }
}

std::optional<int> exit_status(const model::JobDetail& job) {
  return job.attempts.empty() ? std::nullopt : job.attempts.back().exit_code;
}

}  // namespace mnp::launcher
