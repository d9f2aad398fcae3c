#include "aws/batch.hpp"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "aws/json_call.hpp"

namespace mnp::aws {
namespace {

constexpr int kPage = 100;              // ids of one DescribeJobs, jobs of one page
constexpr int kMaxPages = 10000;        // of one listing: an answer may lead in a circle
constexpr int kSubmitTries = 3;         // where answers are lost
constexpr Milliseconds kVisible{3000};  // until a listing shows a job that was submitted

ApiError no_sense(const std::string& what) {
  return as_api_error({Code::kProtocol, "batch: " + what});
}

double seconds_at(const Json& object, const char* name) {
  return number_at(object, name) / 1000;  // they are in milliseconds
}

std::optional<int> exit_code_of(const Json& container) {
  const auto found = container.find("exitCode");
  if (found == container.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<int>();
}

std::vector<std::string> texts_at(const Json& object, const char* name) {
  std::vector<std::string> texts;
  for (const Json& each : array_at(object, name))
    if (each.is_string()) texts.push_back(each.get<std::string>());
  return texts;
}

model::JobAttempt attempt_of(const Json& json) {
  const Json& container = object_at(json, "container");
  model::JobAttempt attempt;
  attempt.exit_code = exit_code_of(container);
  attempt.reason = text_at(container, "reason");
  attempt.status_reason = text_at(json, "statusReason");
  attempt.started = seconds_at(json, "startedAt");
  attempt.stopped = seconds_at(json, "stoppedAt");
  return attempt;
}

/// Attempts that have not stopped are Batch's own business.
Job job_of(const Json& json, model::JobState state) {
  Job job;
  job.id = text_at(json, "jobId");
  job.name = text_at(json, "jobName");
  job.queue = text_at(json, "jobQueue");
  job.state = state;
  job.status_reason = text_at(json, "statusReason");
  job.created = seconds_at(json, "createdAt");
  job.started = seconds_at(json, "startedAt");
  job.stopped = seconds_at(json, "stoppedAt");
  for (const Json& attempt : array_at(json, "attempts")) {
    job.attempts.push_back(attempt_of(attempt));
    job.log_stream = text_at(object_at(attempt, "container"), "logStreamName");
  }
  const Json& nodes = object_at(json, "nodeProperties");
  if (!nodes.empty()) {
    job.num_nodes = static_cast<uint32_t>(number_at(nodes, "numNodes"));
    job.main_node = static_cast<uint32_t>(number_at(nodes, "mainNode"));
  }
  for (const Json& other : array_at(json, "dependsOn"))
    job.depends_on.push_back(text_at(other, "jobId"));
  job.arn = text_at(json, "jobArn");
  job.definition = text_at(json, "jobDefinition");
  if (const auto stream = text_at(object_at(json, "container"), "logStreamName"); !stream.empty())
    job.log_stream = stream;
  job.cancelled = flag_at(json, "isCancelled");
  job.terminated = flag_at(json, "isTerminated");
  return job;
}

/// Every page of a listing: `each` gets the elements of `member`.
ApiStatus read_pages(const Service& service, const std::string& what, const std::string& path,
                     Json body, const char* member, const std::function<void(const Json&)>& each) {
  std::string token;
  for (int page = 0; page < kMaxPages; ++page) {
    if (!token.empty()) body["nextToken"] = token;
    const auto answer = call_json(service, what, path, "", body_text(body));
    if (!answer) return fail(answer.error());
    for (const Json& element : array_at(*answer, member)) each(element);
    const std::string next = text_at(*answer, "nextToken");
    if (next.empty()) return {};
    if (next == token) return fail(no_sense(what + ": the page after this one is this one"));
    token = next;
  }
  return fail(no_sense(fmt::format("{}: more than {} pages", what, kMaxPages)));
}

/// The request may have done its work: nothing came back, or not from Batch itself.
bool may_be_done(const ApiError& error) {
  const bool unanswered = error.status == 0 && error.code != Code::kConfig &&
                          error.code != Code::kDenied && error.code != Code::kStopped;
  return unanswered || error.status >= 500;
}

}  // namespace

BatchClient::BatchClient(Service service, std::function<void(Milliseconds)> sleep)
    : service_(std::move(service)), sleep_(std::move(sleep)) {
  if (!sleep_) sleep_ = [](Milliseconds time) { std::this_thread::sleep_for(time); };
}

ApiResult<std::string> BatchClient::register_definition(const JobDefinition& definition) {
  if (const auto good = check(definition); !good) return fail(as_api_error(good.error()));
  const auto answer = call_json(service_, "batch: RegisterJobDefinition",
                                "/v1/registerjobdefinition", "", register_body(definition));
  if (!answer) return fail(answer.error());
  return fmt::format("{}:{}", text_at(*answer, "jobDefinitionName"),
                     static_cast<int64_t>(number_at(*answer, "revision")));
}

ApiResult<std::string> BatchClient::submit(const model::SubmitJob& request, const JobPlace& place) {
  if (const auto good = check(request, place); !good) return fail(as_api_error(good.error()));
  CallOptions once;
  once.may_repeat = false;
  for (int tries = 1;; ++tries) {
    const auto answer = call_json(service_, "batch: SubmitJob", "/v1/submitjob", "",
                                  submit_body(request, place), once);
    if (answer) {
      const std::string id = text_at(*answer, "jobId");
      return id.empty() ? ApiResult<std::string>(fail(no_sense("SubmitJob: no job id"))) : id;
    }
    if (!may_be_done(answer.error())) return fail(answer.error());
    sleep_(kVisible);
    const auto found = find_by_name(request.queue, request.name);
    if (!found) return fail(answer.error());
    if (!found->empty()) return found->front();
    if (tries >= kSubmitTries) return fail(answer.error());
  }
}

ApiResult<std::vector<Job>> BatchClient::describe(const std::vector<std::string>& ids) {
  std::vector<Job> jobs;
  for (size_t first = 0; first < ids.size(); first += kPage) {
    const size_t last = std::min(ids.size(), first + kPage);
    Json body;
    body["jobs"] = std::vector<std::string>(ids.begin() + static_cast<std::ptrdiff_t>(first),
                                            ids.begin() + static_cast<std::ptrdiff_t>(last));
    const auto answer =
        call_json(service_, "batch: DescribeJobs", "/v1/describejobs", "", body_text(body));
    if (!answer) return fail(answer.error());
    for (const Json& json : array_at(*answer, "jobs")) {
      const auto state = model::job_state(text_at(json, "status"));
      if (!state)
        return fail(no_sense(fmt::format("DescribeJobs: job {} is '{}'", text_at(json, "jobId"),
                                         text_at(json, "status"))));
      jobs.push_back(job_of(json, *state));
    }
  }
  return jobs;
}

ApiResult<std::vector<std::string>> BatchClient::find_by_name(const std::string& queue,
                                                              const std::string& name) {
  std::vector<std::string> ids;
  Json filter;
  filter["name"] = "JOB_NAME";
  filter["values"].push_back(name);
  Json body;
  body["jobQueue"] = queue;
  body["maxResults"] = kPage;
  body["filters"].push_back(std::move(filter));
  const auto read = read_pages(service_, "batch: ListJobs", "/v1/listjobs", body, "jobSummaryList",
                               [&](const Json& job) {
                                 if (text_at(job, "jobName") == name)
                                   ids.push_back(text_at(job, "jobId"));
                               });
  if (!read) return fail(read.error());
  return ids;
}

/// Batch lists the jobs of one state at a time, RUNNING where none is named.
ApiResult<std::vector<model::NodeSummary>> BatchClient::nodes(const std::string& id) {
  std::map<uint32_t, model::NodeSummary> nodes;
  for (int number = 0; number <= static_cast<int>(model::JobState::kFailed); ++number) {
    const auto state = static_cast<model::JobState>(number);
    const Json body = Json::object(
        {{"multiNodeJobId", id}, {"jobStatus", model::to_text(state)}, {"maxResults", kPage}});
    const auto read = read_pages(
        service_, "batch: ListJobs", "/v1/listjobs", body, "jobSummaryList", [&](const Json& job) {
          const Json& place = object_at(job, "nodeProperties");
          model::NodeSummary node;
          node.id = text_at(job, "jobId");
          node.index = static_cast<uint32_t>(number_at(place, "nodeIndex"));
          node.is_main = flag_at(place, "isMainNode");
          node.state = model::job_state(text_at(job, "status")).value_or(state);
          node.exit_code = exit_code_of(object_at(job, "container"));
          nodes[node.index] = std::move(node);  // a later state is the newer answer
        });
    if (!read) return fail(read.error());
  }
  std::vector<model::NodeSummary> list;
  for (auto& [index, node] : nodes) list.push_back(std::move(node));
  return list;
}

namespace {

ApiStatus end_job(const Service& service, const std::string& name, const std::string& path,
                  const std::string& id, const std::string& reason) {
  const auto answer = call_json(service, name, path, "",
                                body_text(Json::object({{"jobId", id}, {"reason", reason}})));
  if (!answer) return fail(answer.error());
  return {};
}

}  // namespace

ApiStatus BatchClient::terminate(const std::string& id, const std::string& reason) {
  return end_job(service_, "batch: TerminateJob", "/v1/terminatejob", id, reason);
}

ApiStatus BatchClient::cancel(const std::string& id, const std::string& reason) {
  return end_job(service_, "batch: CancelJob", "/v1/canceljob", id, reason);
}

ApiResult<std::vector<QueuedJob>> BatchClient::queue_front(const std::string& queue) {
  const auto answer = call_json(service_, "batch: GetJobQueueSnapshot", "/v1/getjobqueuesnapshot",
                                "", body_text(Json::object({{"jobQueue", queue}})));
  if (!answer) return fail(answer.error());
  std::vector<QueuedJob> jobs;
  for (const Json& job : array_at(object_at(*answer, "frontOfQueue"), "jobs"))
    jobs.push_back({text_at(job, "jobArn"), seconds_at(job, "earliestTimeAtPosition")});
  return jobs;
}

ApiResult<std::vector<JobQueue>> BatchClient::queues(const std::vector<std::string>& names) {
  Json body = Json::object();
  if (!names.empty()) body["jobQueues"] = names;
  std::vector<JobQueue> queues;
  const auto read = read_pages(service_, "batch: DescribeJobQueues", "/v1/describejobqueues", body,
                               "jobQueues", [&](const Json& json) {
                                 JobQueue queue;
                                 queue.name = text_at(json, "jobQueueName");
                                 queue.arn = text_at(json, "jobQueueArn");
                                 queue.state = text_at(json, "state");
                                 queue.status = text_at(json, "status");
                                 queue.status_reason = text_at(json, "statusReason");
                                 queue.priority = static_cast<int>(number_at(json, "priority"));
                                 std::map<double, std::string> order;
                                 for (const Json& place : array_at(json, "computeEnvironmentOrder"))
                                   order[number_at(place, "order")] =
                                       text_at(place, "computeEnvironment");
                                 for (auto& [number, name] : order)
                                   queue.compute_environments.push_back(std::move(name));
                                 queues.push_back(std::move(queue));
                               });
  if (!read) return fail(read.error());
  return queues;
}

ApiResult<std::vector<ComputeEnvironment>> BatchClient::compute_environments(
    const std::vector<std::string>& names) {
  Json body = Json::object();
  if (!names.empty()) body["computeEnvironments"] = names;
  std::vector<ComputeEnvironment> environments;
  const auto read =
      read_pages(service_, "batch: DescribeComputeEnvironments", "/v1/describecomputeenvironments",
                 body, "computeEnvironments", [&](const Json& json) {
                   const Json& resources = object_at(json, "computeResources");
                   const Json& launch = object_at(resources, "launchTemplate");
                   ComputeEnvironment made;
                   made.name = text_at(json, "computeEnvironmentName");
                   made.arn = text_at(json, "computeEnvironmentArn");
                   made.type = text_at(json, "type");
                   made.state = text_at(json, "state");
                   made.status = text_at(json, "status");
                   made.status_reason = text_at(json, "statusReason");
                   made.resource_type = text_at(resources, "type");
                   made.instance_types = texts_at(resources, "instanceTypes");
                   made.subnets = texts_at(resources, "subnets");
                   made.security_groups = texts_at(resources, "securityGroupIds");
                   made.placement_group = text_at(resources, "placementGroup");
                   made.instance_role = text_at(resources, "instanceRole");
                   made.launch_template = text_at(launch, "launchTemplateName");
                   if (made.launch_template.empty())
                     made.launch_template = text_at(launch, "launchTemplateId");
                   made.min_vcpus = static_cast<uint32_t>(number_at(resources, "minvCpus"));
                   made.max_vcpus = static_cast<uint32_t>(number_at(resources, "maxvCpus"));
                   made.desired_vcpus = static_cast<uint32_t>(number_at(resources, "desiredvCpus"));
                   environments.push_back(std::move(made));
                 });
  if (!read) return fail(read.error());
  return environments;
}

}  // namespace mnp::aws
