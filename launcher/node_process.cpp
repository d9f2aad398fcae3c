#include "launcher/node_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "cpu/descendants.hpp"
#include "cpu/proc_table.hpp"

namespace mnp::launcher {
namespace {

constexpr auto kWalkLimit = std::chrono::seconds(2);  // for stopping a tree before it is killed

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> result;
  for (const std::string& word : words) result.push_back(const_cast<char*>(word.c_str()));
  result.push_back(nullptr);
  return result;
}

/// posix_spawn's two objects, set up for a node.
class SpawnSetup {
 public:
  explicit SpawnSetup(const NodeStart& start, int log) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, log, 1);
    ::posix_spawn_file_actions_adddup2(&actions_, log, 2);
    if (start.lifeline >= 0)
      ::posix_spawn_file_actions_adddup2(&actions_, start.lifeline, kLifelineFd);
    ::posix_spawnattr_init(&attributes_);
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  ~SpawnSetup() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

Result<NodeProcess> NodeProcess::start(const NodeStart& start) {
  MNP_CHECK(make_folders(start.log.parent_path()));
  const Fd log(::open(start.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!log) return fail_errno("open " + start.log.string());
  const SpawnSetup setup(start, log.get());
  const auto argv = pointers(start.argv);
  const auto environment = pointers(start.environment);
  NodeProcess process;
  const int error = ::posix_spawn(&process.pid_, argv[0], setup.actions(), setup.attributes(),
                                  argv.data(), environment.data());
  if (error != 0)
    return fail(Code::kIo, "start " + start.argv.front() + ": " + std::strerror(error));
  process.pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, process.pid_, 0)));
  if (process.pidfd_) return process;
  const auto failed = fail_errno("pidfd_open");
  ::kill(process.pid_, SIGKILL);
  ::waitpid(process.pid_, nullptr, 0);
  return failed;
}

void NodeProcess::signal(int number) const {
  ::kill(pid_, number);
}

void NodeProcess::kill_tree() const {
  cpu::kill_trees({pid_}, Clock::now() + kWalkLimit);
}

int NodeProcess::reap() {
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) return 128;
  pidfd_.reset();
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void end_strays(const std::vector<pid_t>& own) {
  std::vector<pid_t> strays = cpu::children_of(::getpid());
  const pid_t session = ::getsid(0);  // of a helper that finds credentials; nodes have their own
  strays.erase(std::remove_if(strays.begin(), strays.end(),
                              [&](pid_t pid) {
                                return ::getsid(pid) == session ||
                                       std::find(own.begin(), own.end(), pid) != own.end();
                              }),
               strays.end());
  if (strays.empty()) return;
  cpu::kill_trees(strays, Clock::now() + kWalkLimit);
  for (const pid_t pid : strays) ::waitpid(pid, nullptr, WNOHANG);
}

}  // namespace mnp::launcher
