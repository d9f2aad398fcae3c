#include "mnp/node/keeper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "cpu/descendants.hpp"
#include "mnp/core/files.hpp"
#include "mnp/core/log.hpp"

namespace mnp::node {
namespace {

constexpr int kMaxRestarts = 3;
constexpr int kKilledStatus = 137;
constexpr auto kEndLimit = std::chrono::seconds(5);  // for ending all descendants
constexpr std::array kForwarded = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

class Keeper {
 public:
  explicit Keeper(const KeeperOptions& options) : options_(options) {}
  Result<int> run();

 private:
  enum class Event { kNothing, kAgentDied, kDeadline, kLifelineGone };
  Status prepare();
  Status start_agent();
  Event wait();
  void read_signals();
  void reap();
  void hear();
  void end_all(std::string_view why);

  const KeeperOptions& options_;
  std::optional<FileLock> lock_;
  Fd signals_;
  Fd link_;
  pid_t agent_ = -1;
  std::optional<int> agent_status_;  // wait status once the agent is reaped
  int incarnation_ = 0;
  std::string key_;
  std::optional<TimePoint> deadline_;
  std::optional<int> finished_;
};

Status Keeper::prepare() {
  if (!options_.lock.empty()) {
    MNP_CHECK(make_folders(fs::path(options_.lock).parent_path()));
    MNP_TRY(lock_, FileLock::try_acquire(options_.lock));
    if (!lock_)
      return fail(Code::kConfig, options_.lock + ": another keeper of this node still runs");
  }
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return fail_errno("PR_SET_CHILD_SUBREAPER");
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  for (const int signal : kForwarded) sigaddset(&mask, signal);
  if (::sigprocmask(SIG_BLOCK, &mask, nullptr) != 0) return fail_errno("sigprocmask");
  signals_.reset(::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return fail_errno("signalfd");
  if (options_.lifeline >= 0) ::fcntl(options_.lifeline, F_SETFD, FD_CLOEXEC);
  return {};
}

Status Keeper::start_agent() {
  MNP_TRY(LinkPair link, make_keeper_link());
  std::vector<std::string> words = options_.agent;
  words.insert(words.end(), {"--link", std::to_string(link.agent.get()), "--incarnation",
                             std::to_string(++incarnation_)});
  if (!key_.empty()) words.insert(words.end(), {"--key-kept"});
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
    ::execv("/proc/self/exe", argv.data());
    ::_exit(127);
  }
  agent_ = pid;
  agent_status_.reset();
  deadline_.reset();
  link_ = std::move(link.keeper);
  if (!key_.empty())
    (void)::send(link_.get(), key_.data(), key_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return {};
}

void Keeper::read_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal != SIGCHLD && agent_ > 0 && !agent_status_) ::kill(agent_, signal);
  }
}

void Keeper::reap() {
  int status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
    if (pid == agent_) agent_status_ = status;
}

void Keeper::hear() {
  while (const auto heard = receive_from_agent(link_)) {
    if (heard->deadline) deadline_ = heard->deadline;
    if (heard->key) key_ = *heard->key;
    if (heard->finished) finished_ = heard->finished;
  }
}

Keeper::Event Keeper::wait() {
  std::array<pollfd, 3> fds = {{{signals_.get(), POLLIN, 0},
                                {link_.get(), POLLIN, 0},
                                {options_.lifeline, POLLIN, 0}}};
  const int timeout = deadline_ ? poll_timeout(*deadline_) : -1;
  if (::poll(fds.data(), fds.size(), timeout) < 0 && errno != EINTR)
    log::error("poll: errno {}", errno);
  read_signals();
  hear();
  reap();
  if (agent_status_) return Event::kAgentDied;
  if (options_.lifeline >= 0 && (fds[2].revents & (POLLHUP | POLLIN | POLLERR)) != 0)
    return Event::kLifelineGone;
  if (deadline_ && Clock::now() >= *deadline_) return Event::kDeadline;
  return Event::kNothing;
}

void Keeper::end_all(std::string_view why) {
  if (!why.empty()) log::warning("{}; ending everything that this node started", why);
  if (auto ended = cpu::end_descendants(Clock::now() + kEndLimit); !ended)
    log::error("{}", ended.error().text);
  agent_ = -1;
}

Result<int> Keeper::run() {
  MNP_CHECK(prepare());
  MNP_CHECK(start_agent());
  for (;;) {
    switch (wait()) {
      case Event::kNothing: continue;
      case Event::kLifelineGone:
        end_all("`mnp run` is gone");
        return kKilledStatus;
      case Event::kAgentDied:
        hear();
        end_all(finished_ ? "" : "the agent died");
        break;
      case Event::kDeadline:
        end_all(options_.main ? "the agent is silent" : "the lease has ended");
        break;
    }
    if (finished_) return *finished_;
    if (options_.main || incarnation_ > kMaxRestarts) return kKilledStatus;
    log::warning("starting agent {}", incarnation_ + 1);
    MNP_CHECK(start_agent());
  }
}

}  // namespace

Result<int> run_keeper(const KeeperOptions& options) { return Keeper(options).run(); }

}  // namespace mnp::node
