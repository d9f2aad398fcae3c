#include "cpu/orphans.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "cpu/descendants.hpp"
#include "cpu/proc_table.hpp"

namespace mnp::cpu {
namespace {

constexpr std::chrono::microseconds kFirstPause{200}, kLongestPause{20000};  // between kills
constexpr size_t kListBytes = 64 << 10;  // of the list of children: some 9,000 pids

}  // namespace

bool Orphans::Run::has(const std::string& mark) const {
  return std::find(marks.begin(), marks.end(), mark) != marks.end();
}

Status become_subreaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return fail_errno("become a subreaper");
  return {};
}

Result<std::shared_ptr<Orphans>> Orphans::create() {
  MNP_CHECK(become_subreaper());
  const std::string main_thread = std::to_string(::getpid());
  Fd children(
      ::open(("/proc/self/task/" + main_thread + "/children").c_str(), O_RDONLY | O_CLOEXEC));
  return std::shared_ptr<Orphans>(new Orphans(std::move(children)));
}

void Orphans::spare(std::string mark) {
  const std::lock_guard lock(mutex_);
  if (std::find(spared_.begin(), spared_.end(), mark) == spared_.end())
    spared_.push_back(std::move(mark));
}

Orphans::RunId Orphans::enter(std::vector<std::string> marks) {
  const bool main_thread = ::syscall(SYS_gettid) == ::getpid();
  Run run{std::move(marks), 0, ticks_since_boot(), main_thread || !children_};
  const std::lock_guard lock(mutex_);
  runs_.emplace(next_, std::move(run));
  return next_++;
}

void Orphans::started(RunId run, pid_t pid) {
  const std::lock_guard lock(mutex_);
  runs_[run].pid = pid;
}

void Orphans::leave(RunId run) {
  const std::lock_guard lock(mutex_);
  runs_.erase(run);
}

std::vector<pid_t> Orphans::adopted() {
  if (!children_) return children_of(::getpid());
  char first[1024];
  ssize_t n = ::pread(children_.get(), first, sizeof first, 0);
  if (n <= 0) return {};
  if (static_cast<size_t>(n) < sizeof first - 16)
    return parse_children(first, static_cast<size_t>(n));
  std::string text(kListBytes, '\0');
  n = ::pread(children_.get(), text.data(), text.size(), 0);
  return parse_children(text.data(), n > 0 ? static_cast<size_t>(n) : 0);
}

bool Orphans::is_command(pid_t pid) const {
  return std::any_of(runs_.begin(), runs_.end(),
                     [pid](const auto& entry) { return entry.second.pid == pid; });
}

/// Who it belongs to, as far as it shows.
Orphans::Owner Orphans::look_at(pid_t pid) {
  if (is_command(pid)) return {kSpared, 0};  // its runner waits for it
  if (const auto seen = seen_.find(pid); seen != seen_.end()) {
    const RunId run = seen->second.run;
    if (run == kSpared || runs_.count(run) != 0) return seen->second;
    seen_.erase(seen);  // its command has ended, and was to leave it or could not end it
  }
  const auto info = read_process(pid);
  if (!info) return {kSpared, 0};
  for (const auto& [id, run] : runs_)
    if (run.pid != 0 && run.pid == info->session) return seen_[pid] = {id, info->born};
  if (info->state == 'Z' || info->session == ::getsid(0) || is_own_image(pid, *info))
    return {kSpared, 0};
  const std::string environment = read_environment(pid);
  for (const auto& [id, run] : runs_)
    if (has_entries(environment, run.marks)) return seen_[pid] = {id, info->born};
  for (const std::string& mark : spared_)
    if (has_entries(environment, {mark})) return seen_[pid] = {kSpared, info->born};
  return {kUnknown, info->born};
}

/// Nobody else waits for what the main thread adopted. A command that is in the list too and is
/// just being started is not known by its pid yet; it may be any that is not surely another's.
void Orphans::reap_dead(const std::vector<pid_t>& pids) {
  bool starting = false;
  for (const auto& [id, run] : runs_) starting |= run.listed && run.pid == 0;
  for (const pid_t pid : pids) {
    if (is_command(pid)) continue;
    if (starting && !is_of_started_run(pid)) continue;
    if (::waitpid(pid, nullptr, WNOHANG) == pid) seen_.erase(pid);
  }
}

void Orphans::reap() {
  const std::vector<pid_t> pids = adopted();
  if (pids.empty()) return;
  const std::lock_guard lock(mutex_);
  reap_dead(pids);
}

bool Orphans::is_of_started_run(pid_t pid) const {
  const auto seen = seen_.find(pid);
  const auto run = seen == seen_.end() ? runs_.end() : runs_.find(seen->second.run);
  return run != runs_.end() && run->second.pid != 0;
}

bool Orphans::has_spared_mark(const Run& run) const {
  return std::any_of(spared_.begin(), spared_.end(),
                     [&run](const std::string& mark) { return run.has(mark); });
}

/// What shows nothing is no daemon's either: these are known by their marks, and run for long.
bool Orphans::belongs(const Owner& owner, RunId run) const {
  if (owner.run != kUnknown) return owner.run == run;
  for (const auto& [id, other] : runs_)
    if (id != run && other.born <= owner.born && !has_spared_mark(other)) return false;
  return true;
}

std::vector<pid_t> Orphans::left_of(RunId run) {
  std::vector<pid_t> before;
  // Linux promises a complete list only where nothing ends meanwhile; so the file has to say the
  // same thing twice before "nothing" is believed.
  for (int round = 0; round < 100; ++round) {
    const std::vector<pid_t> pids = adopted();
    if (pids.empty()) return {};
    const std::lock_guard lock(mutex_);
    reap_dead(pids);
    std::vector<pid_t> mine;
    for (const pid_t pid : pids)
      if (belongs(look_at(pid), run)) mine.push_back(pid);
    if (!mine.empty() || pids == before || !children_) return mine;
    before = pids;
  }
  return {};
}

bool Orphans::has_strangers() {
  const std::vector<pid_t> pids = adopted();
  if (pids.empty()) return false;
  const std::lock_guard lock(mutex_);
  return std::any_of(pids.begin(), pids.end(),
                     [this](pid_t pid) { return look_at(pid).run == kUnknown; });
}

Status Orphans::end_left_of(RunId run, TimePoint deadline) {
  for (auto pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    const std::vector<pid_t> mine = left_of(run);
    if (mine.empty()) return {};
    if (Clock::now() >= deadline)
      return fail(Code::kTimeout, "process " + std::to_string(mine[0]) + " and " +
                                      std::to_string(mine.size() - 1) +
                                      " more are still there after SIGKILL");
    kill_trees(mine, deadline);
    std::this_thread::sleep_for(pause);
  }
}

/// Adopted processes with the mark; `running` when a run that carries it has not ended yet.
std::vector<pid_t> Orphans::marked(const std::string& mark, bool& running) {
  std::vector<pid_t> found;
  const std::lock_guard lock(mutex_);
  running = std::any_of(runs_.begin(), runs_.end(),
                        [&mark](const auto& entry) { return entry.second.has(mark); });
  const std::vector<pid_t> pids = adopted();
  reap_dead(pids);
  for (const pid_t pid : pids)
    if (!is_command(pid) && has_entries(read_environment(pid), {mark})) found.push_back(pid);
  return found;
}

Status Orphans::end_marked(const std::string& mark, TimePoint deadline) {
  {
    const std::lock_guard lock(mutex_);
    spared_.erase(std::remove(spared_.begin(), spared_.end(), mark), spared_.end());
    seen_.clear();
  }
  for (auto pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    bool running = false;
    const std::vector<pid_t> left = marked(mark, running);
    if (left.empty() && !running) return {};
    if (Clock::now() >= deadline)
      return fail(Code::kTimeout, std::to_string(left.size() + (running ? 1 : 0)) +
                                      " processes with " + mark + " are still there");
    kill_trees(left, deadline);
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace mnp::cpu
