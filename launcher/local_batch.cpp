#include "launcher/local_batch.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "mnp/core/log.hpp"
#include "mnp/model/environment.hpp"

namespace mnp::launcher {
namespace {

using model::JobState;

constexpr Milliseconds kSweepPeriod{1000};

/// A random UUID (RFC 9562, version 4), as Batch's job ids are.
std::string make_job_id() {
  std::random_device random;
  const auto word = [&random] { return static_cast<uint32_t>(random()); };
  const uint32_t a = word(), b = word(), c = word(), d = word();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:04x}{:08x}", a, b >> 16, b & 0xfffu,
                     0x8000u | (c >> 16 & 0x3fffu), c & 0xffffu, d);
}

}  // namespace

LocalBatch::LocalBatch(Loop& loop, LocalHost host) : loop_(loop), host_(std::move(host)) {
  auto pipe = make_pipe();
  MNP_ASSERT(pipe.has_value(), "no pipe for the lifeline");
  lifeline_ = std::move(*pipe);
  MNP_ASSERT(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "PR_SET_CHILD_SUBREAPER");
  sweep_timer_ = loop_.every(kSweepPeriod, [this] { end_strays(pids()); });
}

LocalBatch::~LocalBatch() {
  loop_.cancel(sweep_timer_);
  if (advance_timer_) loop_.cancel(*advance_timer_);
  for (auto& [id, job] : jobs_) forget_timer(*job);
  jobs_.clear();
  end_strays({});
}

Result<std::string> LocalBatch::submit(const model::SubmitJob& request) {
  MNP_CHECK(model::check_request(request));
  if (request.environment.count(model::kStage) == 0)
    return fail(Code::kConfig, fmt::format("job {}: {} is not set", request.name, model::kStage));
  for (const std::string& id : request.depends_on)
    if (jobs_.count(id) == 0)
      return fail(Code::kConfig,
                  fmt::format("job {} depends on job {}, which is not known", request.name, id));
  auto job = std::make_unique<Job>();
  job->request = request;
  job->detail.id = make_job_id();
  job->detail.name = request.name;
  job->detail.queue = request.queue;
  job->detail.created = wall_seconds();
  job->detail.num_nodes = request.num_nodes;
  job->detail.main_node = request.main_node;
  job->detail.depends_on = request.depends_on;
  const std::string id = job->detail.id;
  jobs_.emplace(id, std::move(job));
  order_.push_back(id);
  advance();
  return id;
}

Result<std::vector<model::JobDetail>> LocalBatch::describe(const std::vector<std::string>& ids) {
  if (ids.size() > model::kMaxDescribedJobs)
    return fail(Code::kConfig, fmt::format("{} jobs described at once; at most {} are allowed",
                                           ids.size(), model::kMaxDescribedJobs));
  std::vector<model::JobDetail> details;
  for (const std::string& id : ids)
    if (const auto found = jobs_.find(id); found != jobs_.end())
      details.push_back(found->second->detail);
  return details;
}

Result<std::vector<model::JobDetail>> LocalBatch::list() {
  std::vector<model::JobDetail> details;
  for (const std::string& id : order_) details.push_back(jobs_.at(id)->detail);
  return details;
}

Result<std::vector<model::NodeSummary>> LocalBatch::list_nodes(const std::string& id) {
  MNP_TRY(Job * job, find(id));
  if (job->attempt == nullptr) return std::vector<model::NodeSummary>{};
  return job->attempt->nodes();
}

/// A main that has said 0 already has said what the job has come to.
void LocalBatch::end_for(Job& job, const std::string& reason) {
  if (job.end_reason.empty() && job.attempt->exit_code() != 0) job.end_reason = reason;
  job.attempt->stop();
}

Status LocalBatch::terminate(const std::string& id, const std::string& reason) {
  MNP_TRY(Job * job, find(id));
  if (model::has_ended(job->detail.state)) return {};
  if (job->attempt == nullptr) {
    fail_job(*job, reason);
    return {};
  }
  end_for(*job, reason);
  return {};
}

Status LocalBatch::cancel(const std::string& id, const std::string& reason) {
  MNP_TRY(Job * job, find(id));
  const JobState state = job->detail.state;
  if (state == JobState::kStarting || state == JobState::kRunning) return {};
  return terminate(id, reason);
}

void LocalBatch::kill_all(const std::string& reason) {
  for (const std::string& id : order_) {
    (void)terminate(id, reason);
    if (Job& job = *jobs_.at(id); job.attempt != nullptr) job.attempt->kill();
  }
}

Result<LocalBatch::Job*> LocalBatch::find(const std::string& id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return fail(Code::kNotFound, "no job " + id);
  return found->second.get();
}

std::vector<pid_t> LocalBatch::pids() const {
  std::vector<pid_t> pids;
  for (const auto& [id, job] : jobs_) {
    if (job->attempt == nullptr) continue;
    const auto more = job->attempt->pids();
    pids.insert(pids.end(), more.begin(), more.end());
  }
  return pids;
}

/// Looks at every job that waits, soon, in a turn of the loop of its own.
void LocalBatch::advance() {
  if (advance_timer_) return;
  advance_timer_ = loop_.after(Milliseconds(0), [this] {
    advance_timer_.reset();
    for (const std::string& id : order_) wait_for_dependencies(*jobs_.at(id));
    if (listener_) listener_();
  });
}

void LocalBatch::change(Job& job, JobState state) {
  job.detail.state = state;
  if (model::has_ended(state)) job.detail.stopped = wall_seconds();
  advance();
}

void LocalBatch::fail_job(Job& job, const std::string& reason) {
  forget_timer(job);
  job.detail.status_reason = reason;
  change(job, JobState::kFailed);
}

void LocalBatch::forget_timer(Job& job) {
  if (job.timer) loop_.cancel(*job.timer);
  job.timer.reset();
}

void LocalBatch::wait_for_dependencies(Job& job) {
  if (job.detail.state == JobState::kSubmitted) change(job, JobState::kPending);
  if (job.detail.state != JobState::kPending) return;
  bool all_succeeded = true;
  for (const std::string& id : job.request.depends_on) {
    const JobState state = jobs_.at(id)->detail.state;
    if (state == JobState::kFailed) return fail_job(job, kDependencyFailed);
    all_succeeded = all_succeeded && state == JobState::kSucceeded;
  }
  if (!all_succeeded) return;
  change(job, JobState::kRunnable);
  job.timer = loop_.after(Milliseconds(0), [this, &job] { start_attempt(job); });
}

void LocalBatch::start_attempt(Job& job) {
  job.timer.reset();
  change(job, JobState::kStarting);
  job.attempt_started = wall_seconds();
  const uint32_t number = static_cast<uint32_t>(job.detail.attempts.size()) + 1;
  job.attempt = std::make_unique<LocalAttempt>(
      loop_, host_, job.request, job.detail.id, number, lifeline_.read.get(),
      LocalAttempt::Events{[this, &job] { attempt_running(job); },
                           [this, &job] { attempt_ended(job); }});
  if (auto started = job.attempt->start(); !started) {
    job.attempt.reset();
    model::JobAttempt end;
    end.status_reason = "Task failed to start - " + started.error().text;
    close_attempt(job, std::move(end));
  }
}

void LocalBatch::attempt_running(Job& job) {
  if (job.detail.started == 0) job.detail.started = wall_seconds();
  change(job, JobState::kRunning);
  if (!job.request.timeout) return;
  job.timer = loop_.after(*job.request.timeout, [this, &job] {
    job.timer.reset();
    end_for(job, "Job attempt duration exceeded timeout");
  });
}

void LocalBatch::attempt_ended(Job& job) {
  model::JobAttempt end;
  end.exit_code = job.attempt->exit_code();
  end.status_reason = kMainExited;
  job.attempt.reset();
  end_strays(pids());
  close_attempt(job, std::move(end));
}

void LocalBatch::close_attempt(Job& job, model::JobAttempt end) {
  forget_timer(job);
  end.started = job.attempt_started;
  end.stopped = wall_seconds();
  job.detail.attempts.push_back(end);
  job.detail.status_reason = job.end_reason.empty() ? end.status_reason : job.end_reason;
  if (!job.end_reason.empty()) return change(job, JobState::kFailed);
  if (end.exit_code == 0) return change(job, JobState::kSucceeded);
  if (job.detail.attempts.size() >= job.request.attempts ||
      !model::wants_retry(job.request.rules, end))
    return change(job, JobState::kFailed);
  change(job, JobState::kRunnable);
  job.timer = loop_.after(host_.retry_delay, [this, &job] { start_attempt(job); });
}

}  // namespace mnp::launcher
