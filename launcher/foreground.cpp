#include "launcher/foreground.hpp"

#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "launcher/failure_report.hpp"
#include "launcher/local_batch.hpp"
#include "launcher/local_host.hpp"
#include "launcher/planning.hpp"
#include "launcher/progress_view.hpp"
#include "launcher/stage_job.hpp"
#include "launcher/success_report.hpp"
#include "mnp/core/signals.hpp"
#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

constexpr Milliseconds kRefresh{250}, kRefreshInS3{2000};
constexpr Milliseconds kStorePatience{30000};  // as long as nodes wait for it

class Foreground {
 public:
  Foreground(const RunFolder& run, const model::Plan& plan, const ForegroundOptions& options,
             LocalHost host)
      : run_(run),
        plan_(plan),
        options_(options),
        view_(make_progress_view(options.quiet)),
        batch_(loop_, std::move(host)) {}
  Result<int> follow();

 private:
  Status submit();
  Status refresh();
  Status write_submitted();
  void tell_of_retry(const SubmittedJob& job, const model::JobDetail& now);
  void tell_of_losses(const StageState& stage);
  void on_signal();
  RunState state() const;
  Result<int> finish();

  const RunFolder& run_;
  const model::Plan& plan_;
  const ForegroundOptions& options_;
  std::unique_ptr<ProgressView> view_;
  Fd signals_;
  Submitted submitted_;
  std::map<std::string, std::vector<LostNode>> lost_;  // by job and attempt
  std::string written_;                                // submitted.json as it is in the store
  std::optional<TimePoint> unwritten_since_;           // it cannot be written
  bool ended_ = false;
  Loop loop_;
  LocalBatch batch_;
};

Status Foreground::submit() {
  MNP_TRY(submitted_, run_.submitted());
  Submission submission;
  submission.time = wall_seconds();
  submission.pid = ::getpid();
  submission.host = host_name();
  submission.fresh_failures = options_.fresh_failures;
  for (const model::StagePlan& stage : plan_.stages) {
    const auto& chosen = options_.stages;
    if (std::find(chosen.begin(), chosen.end(), stage.spec.name) == chosen.end()) continue;
    std::vector<std::string> depends_on;
    for (const SubmittedJob& job : submission.jobs)
      if (std::find(stage.after.begin(), stage.after.end(), job.stage) != stage.after.end())
        depends_on.push_back(job.detail.id);
    MNP_TRY(const auto id,
            batch_.submit(stage_job(run_, stage, depends_on, options_.fresh_failures)));
    MNP_TRY(const auto details, batch_.describe({id}));
    submission.jobs.push_back({stage.spec.name, details.front()});
  }
  submitted_.submissions.push_back(std::move(submission));
  return {};
}

void Foreground::tell_of_retry(const SubmittedJob& job, const model::JobDetail& now) {
  if (now.attempts.size() <= job.detail.attempts.size()) return;
  const model::JobAttempt& end = now.attempts.back();
  const std::string how =
      end.exit_code ? fmt::format("status {}: {}", *end.exit_code, meaning_of(*end.exit_code))
                    : end.status_reason;
  view_->say(fmt::format("stage {}: attempt {} ended with {}; trying again", job.stage,
                         now.attempts.size(), how));
}

/// Main goes on without a node; its operator should know why the stage is slower now.
void Foreground::tell_of_losses(const StageState& stage) {
  if (stage.phase != "RUNNING" && stage.phase != "WAITING" && stage.phase != "REDUCING") return;
  const auto keys = model::AttemptKeys::of(run_.stage(stage.name), stage.job, stage.attempt);
  std::vector<LostNode>& known = lost_[keys.attempt];
  std::vector<LostNode> lost = lost_nodes(*run_.store, keys.nodes());
  const auto is_in = [](const std::vector<LostNode>& list, const LostNode& one) {
    return std::any_of(list.begin(), list.end(),
                       [&](const LostNode& other) { return other.node == one.node; });
  };
  for (const LostNode& one : lost)
    if (!is_in(known, one))
      view_->say(fmt::format("stage {}: node {} is lost: {}; what it had runs again elsewhere",
                             stage.name, one.node, one.reason));
  for (const LostNode& one : known)
    if (!is_in(lost, one))
      view_->say(fmt::format("stage {}: node {} is back", stage.name, one.node));
  known = std::move(lost);
}

/// Asks Batch, writes down what has changed, and shows it.
Status Foreground::refresh() {
  ended_ = true;
  for (SubmittedJob& job : submitted_.submissions.back().jobs) {
    MNP_TRY(auto details, batch_.describe({job.detail.id}));
    if (!model::has_ended(details.front().state)) tell_of_retry(job, details.front());
    job.detail = std::move(details.front());
    ended_ = ended_ && model::has_ended(job.detail.state);
  }
  MNP_CHECK(write_submitted());
  const RunState now = state();
  for (const StageState& stage : now.stages) tell_of_losses(stage);
  view_->show(now);
  return {};
}

/// A store that fails for a while ends no node, and so no run either; one that fails from the
/// beginning does.
Status Foreground::write_submitted() {
  std::string text = submitted_to_json(submitted_);
  if (text == written_) return {};
  Status put = run_.store->put(run_.keys().submitted(), text);
  if (put) {
    written_ = std::move(text);
    unwritten_since_.reset();
    return {};
  }
  const TimePoint now = Clock::now();
  if (written_.empty() || (unwritten_since_ && now - *unwritten_since_ > kStorePatience))
    return put;
  if (!unwritten_since_) view_->say(put.error().text + "; trying again");
  unwritten_since_ = unwritten_since_.value_or(now);
  ended_ = false;
  return {};
}

RunState Foreground::state() const {
  RunState state;
  state.run = run_.id;
  for (const model::StagePlan& stage : plan_.stages) {
    const SubmittedJob* job = submitted_.find(stage.spec.name);
    if (job == nullptr) continue;
    const bool started = job->detail.started > 0;
    state.stages.push_back(stage_state(
        stage, job, started ? read_progress(run_, stage.spec.name) : std::nullopt, true));
  }
  return state;
}

void Foreground::on_signal() {
  while (const auto signal = next_signal(signals_)) {
    Submission& submission = submitted_.submissions.back();
    const std::string reason = "stopped by " + signal_name(*signal);
    if (submission.stopped) {
      view_->say("killing everything at once");
      batch_.kill_all(reason);
      continue;
    }
    submission.stopped = true;
    view_->say(
        fmt::format("{}: commands are ended and what is done is kept; once more kills at "
                    "once",
                    reason));
    for (const SubmittedJob& job : submission.jobs) (void)batch_.terminate(job.detail.id, reason);
  }
}

Result<int> Foreground::follow() {
  ::signal(SIGPIPE, SIG_IGN);
  MNP_TRY(signals_, catch_signals(kStopSignals));
  MNP_CHECK(submit());
  Status outcome;
  const auto look = [&] {
    if (outcome) outcome = refresh();
    if (!outcome || ended_) loop_.stop();
  };
  loop_.watch(signals_.get(), EPOLLIN, [this](uint32_t) { on_signal(); });
  batch_.on_change(look);
  loop_.every(run_.in.in_s3() ? kRefreshInS3 : kRefresh, look);
  MNP_CHECK(refresh());
  loop_.run();
  loop_.forget(signals_.get());
  if (!outcome)
    return fail(
        outcome.error().within("nodes are ended, because the run's state "
                               "cannot be written"));
  return finish();
}

Result<int> Foreground::finish() {
  const RunState ended = state();
  view_->show(ended);
  view_->keep();
  const bool stopped = submitted_.submissions.back().stopped;
  int status = 0;
  for (const StageState& stage : ended.stages) {
    if (stage.succeeded())
      for (const std::string& note : stage_notes(run_, *plan_.find(stage.name), stage))
        view_->say(note);
    if (stage.state != "FAILED" || stage.reason == kDependencyFailed) continue;
    if (!stopped) view_->say(failure_report(run_, stage));
    if (status == 0) status = exit_status_of(stage);
  }
  if (status == 0 && !options_.quiet)
    for (const std::string& place : result_places(run_, plan_)) view_->say(place);
  if (!stopped || status == 0) return status;
  view_->say(fmt::format("stopped; `mnp resume {}{}` goes on", run_.id, run_.store_words()));
  return code_info(Code::kStopped).exit_status;
}

}  // namespace

Result<int> run_in_foreground(const RunFolder& run, const model::Plan& plan,
                              const ForegroundOptions& options) {
  MNP_TRY(auto host, local_host(most_nodes(plan)));
  host.store = run.store;
  host.local = run.in.local;
  host.run = run.id;
  Foreground foreground(run, plan, options, std::move(host));
  return foreground.follow();
}

Status print_end(const RunFolder& run, bool json) {
  if (json) {
    MNP_TRY(const auto state, read_run_state(run, false));
    fmt::print("{}\n", state_to_json(state));
  } else {
    fmt::print("{}\n", run.id);
  }
  std::fflush(stdout);
  return {};
}

}  // namespace mnp::launcher
