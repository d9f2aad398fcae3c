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
constexpr Milliseconds kAnotherOne{200};       // after a signal, before one more counts
constexpr Milliseconds kStopPatience{3000};

/// The store is asked by a thread of its own: it may not answer for long, and signals are heard
/// meanwhile.
class Foreground {
 public:
  Foreground(const RunFolder& run, const model::Plan& plan, const ForegroundOptions& options,
             const Fd& signals, LocalHost host)
      : run_(run),
        plan_(plan),
        options_(options),
        signals_(signals),
        view_(make_progress_view(options.quiet)),
        errands_(host.errands),
        batch_(loop_, std::move(host)) {}
  Result<int> follow();

 private:
  /// What the store says of a stage.
  struct StageNews {
    std::optional<model::Progress> progress;
    std::string attempt;  // its keys
    std::vector<LostNode> lost;
  };
  using News = std::map<std::string, StageNews>;
  Status submit();
  Status refresh();
  void look();
  void stop_once_done();
  void ask_store();
  News read_news(const Submitted& submitted) const;
  void take_news(const News& news);
  Status take_written(Status written, std::string submitted);
  bool is_written() const { return submitted_to_json(submitted_) == written_; }
  bool waits_in_vain(Milliseconds patience) const;
  void tell_of_retry(const SubmittedJob& job, const model::JobDetail& now);
  void tell_of_losses(const std::string& stage, const StageNews& news);
  void on_signal();
  StageState state_of(const model::StagePlan& stage, const SubmittedJob& job,
                      const std::optional<model::Progress>& progress) const {
    return stage_state(stage, &job, progress, true);
  }
  RunState state() const;
  int finish();

  const RunFolder& run_;
  const model::Plan& plan_;
  const ForegroundOptions& options_;
  const Fd& signals_;
  std::unique_ptr<ProgressView> view_;
  Submitted submitted_;
  Submitted shown_;  // with its progress, as the store was asked last
  std::map<std::string, model::Progress> progress_;    // by stage
  std::map<std::string, std::vector<LostNode>> lost_;  // by job and attempt
  std::string written_;                                // submitted.json as it is in the store
  std::optional<TimePoint> unwritten_since_;           // it cannot be written
  bool asked_ = false;                                 // and the store has not answered yet
  TimePoint stopped_at_{};
  std::optional<TimePoint> ended_at_;  // all jobs have
  Status outcome_;
  Loop loop_;
  std::shared_ptr<Errands> errands_;
  LocalBatch batch_;
};

Status Foreground::submit() {
  submitted_ = options_.earlier;
  submitted_.run = run_.id;
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
void Foreground::tell_of_losses(const std::string& stage, const StageNews& news) {
  std::vector<LostNode>& known = lost_[news.attempt];
  const auto is_in = [](const std::vector<LostNode>& list, const LostNode& one) {
    return std::any_of(list.begin(), list.end(),
                       [&](const LostNode& other) { return other.node == one.node; });
  };
  for (const LostNode& one : news.lost)
    if (!is_in(known, one))
      view_->say(fmt::format("stage {}: node {} is lost: {}; what it had runs again elsewhere",
                             stage, one.node, one.reason));
  for (const LostNode& one : known)
    if (!is_in(news.lost, one))
      view_->say(fmt::format("stage {}: node {} is back", stage, one.node));
  known = news.lost;
}

/// Asks Batch, has the store asked, and shows what is known.
Status Foreground::refresh() {
  bool ended = true;
  for (SubmittedJob& job : submitted_.submissions.back().jobs) {
    MNP_TRY(auto details, batch_.describe({job.detail.id}));
    if (!model::has_ended(details.front().state)) tell_of_retry(job, details.front());
    job.detail = std::move(details.front());
    ended = ended && model::has_ended(job.detail.state);
  }
  if (ended && !ended_at_) ended_at_ = Clock::now();
  if (!asked_ && !(ended_at_ && is_written())) ask_store();
  view_->show(state());
  if (!waits_in_vain(kStorePatience) || is_written()) return {};
  const Code code = submitted_.submissions.back().stopped ? Code::kStopped : Code::kStore;
  return fail(code, run_.place() + ": the store does not answer");
}

/// For a store in S3; nothing but the end of this process helps where a folder hangs.
bool Foreground::waits_in_vain(Milliseconds patience) const {
  return run_.in.in_s3() && asked_ && ended_at_ && Clock::now() - *ended_at_ > patience;
}

void Foreground::ask_store() {
  asked_ = true;
  errands_->add("look", [this, submitted = submitted_, before = written_] {
    std::string text = submitted_to_json(submitted);
    Status written;
    if (text != before) written = run_.store->put(run_.keys().submitted(), text);
    loop_.post([this, written, text = std::move(text)]() mutable {
      if (outcome_) outcome_ = take_written(std::move(written), std::move(text));
      stop_once_done();
    });
    loop_.post([this, submitted, news = read_news(submitted)]() mutable {
      asked_ = false;
      shown_ = std::move(submitted);
      take_news(news);
      view_->show(state());
      if (outcome_ && !unwritten_since_ && !is_written()) ask_store();  // Batch has gone on
      stop_once_done();
    });
  });
}

/// Not in the loop's thread.
Foreground::News Foreground::read_news(const Submitted& submitted) const {
  News news;
  for (const model::StagePlan& stage : plan_.stages) {
    const SubmittedJob* job = submitted.find(stage.spec.name);
    if (job == nullptr || job->detail.started <= 0) continue;
    StageNews& of = news[stage.spec.name];
    of.progress = read_progress(run_, stage.spec.name);
    const StageState now = state_of(stage, *job, of.progress);
    if (now.phase != "RUNNING" && now.phase != "WAITING" && now.phase != "REDUCING") continue;
    const auto keys = model::AttemptKeys::of(run_.stage(now.name), now.job, now.attempt);
    of.attempt = keys.attempt;
    of.lost = lost_nodes(*run_.store, keys.nodes());
  }
  return news;
}

void Foreground::take_news(const News& news) {
  for (const auto& [stage, of] : news) {
    if (of.progress) progress_[stage] = *of.progress;
    if (!of.attempt.empty()) tell_of_losses(stage, of);
  }
}

/// A store that fails for a while ends no node, and so no run either; one that fails from the
/// beginning does.
Status Foreground::take_written(Status written, std::string submitted) {
  if (written) {
    written_ = std::move(submitted);
    unwritten_since_.reset();
    return {};
  }
  const TimePoint now = Clock::now();
  if (written_.empty() || (unwritten_since_ && now - *unwritten_since_ > kStorePatience))
    return written;
  if (!unwritten_since_) view_->say(written.error().text + "; trying again");
  unwritten_since_ = unwritten_since_.value_or(now);
  return {};
}

void Foreground::look() {
  if (outcome_) outcome_ = refresh();
  stop_once_done();
}

void Foreground::stop_once_done() {
  const bool done = ended_at_ && is_written() && (!asked_ || waits_in_vain(kStorePatience));
  if (!outcome_ || done) loop_.stop();
}

/// Of the stages that were asked for.
RunState Foreground::state() const {
  RunState state;
  state.run = run_.id;
  const auto& wanted = options_.stages;
  for (const model::StagePlan& stage : plan_.stages) {
    const SubmittedJob* job = shown_.find(stage.spec.name);
    const bool ours = std::find(wanted.begin(), wanted.end(), stage.spec.name) != wanted.end();
    if (job == nullptr || !ours) continue;
    const auto progress = progress_.find(stage.spec.name);
    state.stages.push_back(state_of(
        stage, *job, progress != progress_.end() ? std::optional(progress->second) : std::nullopt));
  }
  return state;
}

void Foreground::on_signal() {
  while (const auto signal = next_signal(signals_)) {
    Submission& submission = submitted_.submissions.back();
    const std::string reason = "stopped by " + signal_name(*signal);
    if (ended_at_) {  // there is nothing to stop
      if (!waits_in_vain(kStopPatience)) continue;
      outcome_ = fail(Code::kStopped, reason + ": the store does not answer");
      loop_.stop();
    } else if (submission.stopped) {
      // A terminal that goes sends two, one after the other.
      if (*signal == SIGHUP || Clock::now() - stopped_at_ < kAnotherOne) continue;
      view_->say("killing everything at once");
      batch_.kill_all(reason);
    } else {
      submission.stopped = true;
      stopped_at_ = Clock::now();
      view_->say(reason + ": commands are ended and what is done is kept; once more kills at once");
      for (const SubmittedJob& job : submission.jobs) (void)batch_.terminate(job.detail.id, reason);
    }
  }
}

Result<int> Foreground::follow() {
  ::signal(SIGPIPE, SIG_IGN);
  MNP_CHECK(submit());
  loop_.watch(signals_.get(), EPOLLIN, [this](uint32_t) { on_signal(); });
  batch_.on_change([this] { look(); });
  loop_.every(run_.in.in_s3() ? kRefreshInS3 : kRefresh, [this] { look(); });
  look();
  loop_.run();
  loop_.forget(signals_.get());
  if (!outcome_ || waits_in_vain(kStorePatience)) s3_session().cancel();
  if (!outcome_)
    return fail(outcome_.error().code,
                fmt::format("nodes are ended, because the run's state cannot be written: {}; `mnp "
                            "resume {}{}` goes on",
                            outcome_.error().text, run_.id, run_.store_words()));
  Result<int> status = 0;
  until_stopped(signals_, [&] { status = finish(); });
  return status;
}

int Foreground::finish() {
  shown_ = submitted_;
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

void until_stopped(const Fd& signals, const std::function<void()>& work) {
  Loop loop;
  std::thread thread([&] {
    work();
    loop.stop();
  });
  loop.watch(signals.get(), EPOLLIN, [&](uint32_t) {
    loop.forget(signals.get());
    loop.after(kStopPatience, [] { s3_session().cancel(); });
  });
  loop.run();
  thread.join();
}

Result<int> run_in_foreground(const RunFolder& run, const model::Plan& plan,
                              const ForegroundOptions& options) {
  MNP_TRY(const Fd signals, catch_signals(kStopSignals));  // before any thread is there
  MNP_TRY(auto host, local_host(most_nodes(plan)));
  host.store = run.store;
  host.local = run.in.local;
  host.run = run.id;
  host.errands = std::make_shared<Errands>();
  Foreground foreground(run, plan, options, signals, std::move(host));
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
