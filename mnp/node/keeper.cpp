#include "mnp/node/keeper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

#include "cpu/descendants.hpp"
#include "mnp/core/files.hpp"
#include "mnp/core/log.hpp"
#include "mnp/core/signals.hpp"

namespace mnp::node {
namespace {

constexpr int kMaxDeaths = 3;  // of agents; with one more the node is given up
constexpr int kKilledStatus = 137;
constexpr auto kEndLimit = std::chrono::seconds(5);         // for ending all descendants
constexpr auto kStoppedEndLimit = std::chrono::seconds(1);  // likewise, where the job is stopped
constexpr std::array kForwarded = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

bool asks_to_stop(int signal) {
  return signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;
}

class Keeper {
 public:
  explicit Keeper(const KeeperOptions& options) : options_(options), key_(options.key) {}
  Result<int> run();

 private:
  enum class Event { kNothing, kAgentDied, kDeadline, kLifelineGone, kStopLimit };
  Status prepare();
  Status start_agent();
  void set_alarm();
  Event wait();
  void read_signals();
  void reap();
  void hear();
  Status end_all(const std::string& why, nanoseconds limit = kEndLimit);
  bool may_start_again();
  std::string how_agent_ended() const;
  int status_without_agent() const;

  const KeeperOptions& options_;
  std::optional<FileLock> lock_;
  Fd signals_;
  Fd alarm_;  // rings at the deadline that was there when it was set
  Fd link_;
  std::optional<LeasePage> page_;  // of this agent
  pid_t agent_ = -1;
  std::optional<int> agent_status_;  // wait status once the agent is reaped
  int incarnation_ = 0;
  int deaths_ = 0;  // of agents, but for those under a suspect
  std::string key_;
  std::optional<int> finished_;
  std::optional<int> stop_signal_;  // the last that was forwarded and asks to stop
  TimePoint stop_by_{};             // with a stop_signal_
};

Status Keeper::prepare() {
  if (!options_.lock.empty()) {
    MNP_CHECK(make_folders(fs::path(options_.lock).parent_path()));
    MNP_TRY(lock_, FileLock::acquire(options_.lock));
    if (!lock_)
      return fail(Code::kConfig, options_.lock + ": another keeper of this node still runs");
  }
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return fail_errno("PR_SET_CHILD_SUBREAPER");
  if (options_.lifeline >= 0 && ::fcntl(options_.lifeline, F_SETFD, FD_CLOEXEC) != 0)
    return fail(Code::kConfig,
                "descriptor " + std::to_string(options_.lifeline) + ", the lifeline, is not open");
  std::vector<int> signals(kForwarded.begin(), kForwarded.end());
  signals.push_back(SIGCHLD);
  ::signal(SIGPIPE, SIG_IGN);
  MNP_TRY(signals_, catch_signals(signals));
  alarm_.reset(::timerfd_create(options_.clock.id(), TFD_CLOEXEC | TFD_NONBLOCK));
  if (!alarm_) return fail_errno("timerfd_create");
  return {};
}

Status Keeper::start_agent() {
  const itimerspec never{};  // an alarm that has rung, and nobody has read, would ring on
  if (::timerfd_settime(alarm_.get(), 0, &never, nullptr) != 0)
    return fail_errno("timerfd_settime");
  MNP_TRY(LinkPair link, make_keeper_link());
  std::vector<std::string> words = options_.agent;
  words.insert(words.end(), {"--link", std::to_string(link.agent.get()), "--page",
                             std::to_string(link.memory.get()), "--incarnation",
                             std::to_string(++incarnation_)});
  if (!key_.empty()) {
    words.push_back("--key-kept");
    hand_on_key(link.keeper, key_);
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t keeper = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("fork");
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != keeper) ::_exit(kKilledStatus);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::fcntl(link.agent.get(), F_SETFD, 0);
    ::fcntl(link.memory.get(), F_SETFD, 0);
    ::execv("/proc/self/exe", argv.data());
    ::_exit(127);
  }
  agent_ = pid;
  agent_status_.reset();
  page_ = std::move(link.page);
  link_ = std::move(link.keeper);
  return {};
}

void Keeper::read_signals() {
  while (const auto signal = next_signal(signals_)) {
    if (*signal == SIGCHLD) continue;
    if (asks_to_stop(*signal)) {
      if (!stop_signal_) stop_by_ = Clock::now() + options_.stop_limit;
      stop_signal_ = signal;
    }
    if (agent_ > 0 && !agent_status_) ::kill(agent_, *signal);
  }
}

void Keeper::reap() {
  int status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
    if (pid == agent_) agent_status_ = status;
}

void Keeper::hear() {
  while (const auto heard = receive_from_agent(link_)) {
    if (heard->key) key_ = *heard->key;
    if (heard->finished) finished_ = heard->finished;
  }
}

/// The agent moves its deadline without a word: the keeper wakes at the one it knows, and looks. A
/// time that the lease's clock has passed while the machine slept rings on waking.
void Keeper::set_alarm() {
  const auto deadline = page_->deadline();
  if (!deadline) return;  // the agent says when it has one
  const auto since = deadline->time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  itimerspec when{};
  when.it_value.tv_sec = seconds.count();
  when.it_value.tv_nsec = (since - seconds).count();
  if (::timerfd_settime(alarm_.get(), TFD_TIMER_ABSTIME, &when, nullptr) != 0)
    log::error("timerfd_settime: errno {}", errno);
}

Keeper::Event Keeper::wait() {
  set_alarm();
  std::array<pollfd, 4> fds = {{{signals_.get(), POLLIN, 0},
                                {link_.get(), POLLIN, 0},
                                {options_.lifeline, POLLIN, 0},
                                {alarm_.get(), POLLIN, 0}}};
  const int timeout = stop_signal_ ? poll_timeout(stop_by_) : -1;
  if (::poll(fds.data(), fds.size(), timeout) < 0 && errno != EINTR)
    log::error("poll: errno {}", errno);
  read_signals();
  hear();
  if ((fds[1].revents & (POLLHUP | POLLERR)) != 0) link_.reset();  // nothing more can come
  reap();
  if (agent_status_) return Event::kAgentDied;
  if (options_.lifeline >= 0 && (fds[2].revents & (POLLHUP | POLLIN | POLLERR)) != 0)
    return Event::kLifelineGone;
  if (stop_signal_ && Clock::now() >= stop_by_) return Event::kStopLimit;
  // The time first: a keeper that is frozen in between compares an old time with a new deadline.
  const LeaseTime now = options_.clock.now();
  const auto deadline = page_->deadline();
  return deadline && now >= *deadline ? Event::kDeadline : Event::kNothing;
}

Status Keeper::end_all(const std::string& why, nanoseconds limit) {
  auto ended = cpu::end_descendants(Clock::now() + limit);
  // Not before: who reads these words may have stopped, and the lease has ended.
  if (!why.empty()) log::warning("{}; everything that this node started was ended", why);
  if (!ended) log::error("{}", ended.error().text);
  agent_ = -1;
  return ended;
}

/// An agent that ends in order without a last word has said why itself.
std::string Keeper::how_agent_ended() const {
  if (WIFSIGNALED(*agent_status_))
    return "the agent was killed by signal " + std::to_string(WTERMSIG(*agent_status_));
  return WEXITSTATUS(*agent_status_) == kStartAgain ? "" : "the agent died";
}

int Keeper::status_without_agent() const {
  const bool killed_by_it = stop_signal_ && agent_status_ && WIFSIGNALED(*agent_status_) &&
                            WTERMSIG(*agent_status_) == *stop_signal_;
  return killed_by_it ? code_info(Code::kStopped).exit_status : kKilledStatus;
}

bool Keeper::may_start_again() {
  if (options_.main || stop_signal_) return false;
  if (page_->suspect()) {
    log::warning("a suspect command ran; this death is not counted");
    return true;
  }
  return ++deaths_ <= kMaxDeaths;
}

Result<int> Keeper::run() {
  MNP_CHECK(prepare());
  MNP_CHECK(start_agent());
  for (;;) {
    Status ended;
    switch (wait()) {
      case Event::kNothing:
        continue;
      case Event::kLifelineGone:
        (void)end_all("`mnp run` is gone");
        return kKilledStatus;
      case Event::kStopLimit:
        (void)end_all("the agent has not ended after it was told to stop", kStoppedEndLimit);
        return finished_.value_or(code_info(Code::kStopped).exit_status);
      case Event::kAgentDied:
        hear();
        ended = end_all(finished_ ? "" : how_agent_ended());
        break;
      case Event::kDeadline:
        ended = end_all(options_.main ? "the agent is silent" : "the lease has ended");
        break;
    }
    if (finished_) return *finished_;
    read_signals();  // that came meanwhile
    // With something of the old agent left, a new one would run its commands a second time.
    if (!ended || !may_start_again()) return status_without_agent();
    log::warning("starting agent {}", incarnation_ + 1);
    MNP_CHECK(start_agent());
  }
}

}  // namespace

void block_keeper_signals() {
  sigset_t mask;
  sigemptyset(&mask);
  for (const int number : kForwarded) sigaddset(&mask, number);
  ::sigprocmask(SIG_BLOCK, &mask, nullptr);
}

Result<int> run_keeper(const KeeperOptions& options) {
  return Keeper(options).run();
}

}  // namespace mnp::node
