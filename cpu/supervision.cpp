#include "cpu/supervision.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "cpu/descendants.hpp"
#include "cpu/proc_table.hpp"
#include "mnp/core/files.hpp"
#include "mnp/core/log.hpp"

namespace mnp::cpu {
namespace {

constexpr Milliseconds kSampleEvery{1000};  // of the resident set
constexpr Milliseconds kLookAgain{5};       // whether the rest of a session has gone
constexpr Milliseconds kKillAgain{100};     // what forked while it was being killed
constexpr uint64_t kRssMarginKib = 1024;    // by which the kernel's counters may be off
constexpr size_t kMaxDrainReads = 1024;     // at the end, if something still writes

/// The one place where a wait status is understood.
model::Ending ending_of(int status) {
  using Kind = model::Ending::Kind;
  if (WIFSIGNALED(status)) return {Kind::kSignalled, WTERMSIG(status)};
  return {Kind::kExited, WEXITSTATUS(status)};
}

uint64_t own_peak_rss_kib() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);  // this field is the process's; cheaper than RUSAGE_SELF
  return static_cast<uint64_t>(usage.ru_maxrss);
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

/// The processes of a command beside its leader.
std::vector<pid_t> others_of(pid_t leader, const std::vector<pid_t>& orphans) {
  std::vector<pid_t> others = descendants_of(leader);
  for (const pid_t orphan : orphans) {
    others.push_back(orphan);
    const auto below = descendants_of(orphan);
    others.insert(others.end(), below.begin(), below.end());
  }
  return others;
}

bool is_shell(pid_t pid) {
  const std::string link = "/proc/" + std::to_string(pid) + "/exe";
  std::error_code ignored;
  return fs::read_symlink(link, ignored) == fs::canonical("/bin/sh", ignored);
}

}  // namespace

void StopRequest::make(TimePoint kill_at) {
  {
    const std::lock_guard lock(mutex_);
    kill_at_ = kill_at_ ? std::min(*kill_at_, kill_at) : kill_at;
  }
  notify(wake_);
}

std::optional<TimePoint> StopRequest::kill_at() const {
  const std::lock_guard lock(mutex_);
  return kill_at_;
}

Supervision::Supervision(const Start& start, const RunnerOptions& options, Launched launched,
                         OutputPump pump, Orphans& orphans, Orphans::RunId run,
                         const StopRequest& stop)
    : start_(start),
      options_(options),
      launched_(std::move(launched)),
      pump_(pump),
      orphans_(orphans),
      run_(run),
      stop_(stop),
      sample_at_(Clock::now() + kSampleEvery) {
  if (!start.timeout) return;
  timeout_at_ = sample_at_ - kSampleEvery + *start.timeout;
  if (start.warn_signal)
    warn_at_ = *timeout_at_ - start.warn_before;
}

TimePoint Supervision::next_deadline() const {
  TimePoint next = sample_at_;
  for (const auto& deadline : {warn_at_, timeout_at_, kill_at_, pump_.offer_at()})
    if (deadline) next = std::min(next, *deadline);
  return next;
}

/// Waits for output, a stop, the next deadline or the end of the leader (`pidfd`, if not -1).
void Supervision::wait_once(int pidfd, bool& leader_ended) {
  pollfd waits[] = {
      {pidfd, POLLIN, 0}, {stop_.wake().get(), POLLIN, 0}, {pump_.poll_fd(), POLLIN, 0}};
  const int ready = ::poll(waits, 3, poll_timeout(next_deadline()));
  if (ready > 0 && waits[1].revents != 0) {
    drain_eventfd(stop_.wake());
    serve_stop();
  }
  if (ready > 0 && waits[2].revents != 0) pump_.read_once();
  leader_ended = ready > 0 && waits[0].revents != 0;
  if (!leader_ended) serve_deadlines();
}

void Supervision::serve_stop() {
  const auto kill_at = stop_.kill_at();
  if (!kill_at) return;
  stopped_ = true;
  warn_at_.reset();
  timeout_at_.reset();
  ask_to_end(*kill_at);
}

void Supervision::serve_deadlines() {
  const TimePoint now = Clock::now();
  if (now >= sample_at_) {
    sampled_rss_kib_ = std::max(sampled_rss_kib_, peak_rss_kib(launched_.pid));
    sample_at_ = now + kSampleEvery;
  }
  if (const auto offer_at = pump_.offer_at(); offer_at && now >= *offer_at) pump_.offer();
  if (warn_at_ && now >= *warn_at_) {
    warn_at_.reset();
    warn();
  }
  if (timeout_at_ && now >= *timeout_at_) {
    timeout_at_.reset();
    timed_out_ = true;
    ask_to_end(now + options_.timeout_grace);
  }
  if (kill_at_ && now >= *kill_at_) kill_leader();
}

/// The warning is for the program: a shell that only runs the line would die of it.
void Supervision::warn() {
  const auto others = others_of(launched_.pid, orphans_.left_of(run_));
  for (const pid_t pid : others) ::kill(pid, *start_.warn_signal);
  const bool for_the_line_only = !others.empty() && start_.argv.empty() && is_shell(launched_.pid);
  if (!for_the_line_only) ::kill(launched_.pid, *start_.warn_signal);
}

/// SIGTERM once to each process: to the leader's group as a whole, to others one by one.
void Supervision::ask_to_end(TimePoint kill_at) {
  kill_at_ = kill_at_ ? std::min(*kill_at_, kill_at) : kill_at;
  if (asked_ || Clock::now() >= *kill_at_) return;
  asked_ = true;
  const pid_t leader = launched_.pid;
  std::vector<pid_t> outside;
  for (const pid_t pid : others_of(leader, orphans_.left_of(run_)))
    if (const auto info = read_process(pid); info && info->group != leader) outside.push_back(pid);
  for (const int signal : {SIGTERM, SIGCONT}) {
    ::kill(-leader, signal);
    for (const pid_t pid : outside) ::kill(pid, signal);
  }
}

void Supervision::kill_leader() {
  const TimePoint now = Clock::now();
  if (!give_up_at_) give_up_at_ = now + kKillDeadline;
  kill_trees({launched_.pid}, now + kKillAgain);
  kill_at_ = now + kKillAgain;
}

/// False: it could not be killed.
bool Supervision::wait_for_leader() {
  bool ended = false;
  serve_stop();
  while (!ended && !(give_up_at_ && Clock::now() >= *give_up_at_))
    wait_once(launched_.pidfd.get(), ended);
  return ended;
}

/// As ssh does: until the last holder of the pipe is gone.
void Supervision::read_until_closed() {
  bool ignored = false;
  while (!pump_.ended() && !stopped_) wait_once(-1, ignored);
}

/// After SIGTERM the rest has the same grace as the leader had.
void Supervision::wait_for_rest() {
  bool ignored = false;
  while (kill_at_ && !give_up_at_ && Clock::now() < *kill_at_ && !orphans_.left_of(run_).empty()) {
    const TimePoint whole_sample = sample_at_;
    sample_at_ = Clock::now() + kLookAgain;
    wait_once(-1, ignored);
    sample_at_ = whole_sample;
  }
}

bool Supervision::end_rest() {
  if (start_.leave_descendants) {
    read_until_closed();
    return true;
  }
  if (asked_) wait_for_rest();
  const auto ended = orphans_.end_left_of(run_, Clock::now() + kKillDeadline);
  if (!ended) log::error("command {}: {}", launched_.pid, ended.error().text);
  return ended.has_value();
}

void Supervision::drain() {
  bool ignored = false;
  for (size_t reads = 0; reads < kMaxDrainReads; ++reads) {
    while (pump_.offer_at()) {
      if (const auto kill_at = stop_.kill_at(); kill_at && Clock::now() >= *kill_at) pump_.drop();
      if (pump_.offer_at()) wait_once(-1, ignored);
    }
    if (!pump_.read_once()) break;
  }
}

void Supervision::account(Finished& finished) {
  int status = 0;
  rusage usage{};
  while (::wait4(launched_.pid, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  finished.ending = ending_of(status);
  finished.cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  const auto peak = static_cast<uint64_t>(usage.ru_maxrss);
  finished.max_rss_kib = peak > own_peak_rss_kib() + kRssMarginKib ? peak : sampled_rss_kib_;
}

Finished Supervision::run(double started) {
  Finished finished;
  finished.started = started;
  const bool ended = wait_for_leader();
  finished.ended = wall_seconds();
  timeout_at_.reset();
  warn_at_.reset();
  // The leader stays a zombie until the rest is gone, so that nobody else gets its number.
  finished.left_running = !end_rest() || !ended;
  drain();
  if (ended)
    account(finished);
  else
    finished.ending = {model::Ending::Kind::kSignalled, SIGKILL};
  if (timed_out_) finished.ending = {model::Ending::Kind::kTimedOut, 0};
  finished.stopped = stopped_;
  finished.output_bytes = pump_.handed_over();
  finished.truncated = pump_.truncated();
  return finished;
}

}  // namespace mnp::cpu
