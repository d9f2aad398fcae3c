#include "mnp/node/start_daemon.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "mnp/core/text.hpp"

extern char** environ;

namespace mnp::node {
namespace {

using Environment = std::vector<std::string>;

std::string* find_entry(Environment& environment, std::string_view name) {
  for (std::string& entry : environment)
    if (starts_with(entry, name) && entry.size() > name.size() && entry[name.size()] == '=')
      return &entry;
  return nullptr;
}

std::string value_of(Environment& environment, std::string_view name) {
  const std::string* entry = find_entry(environment, name);
  return entry == nullptr ? "" : entry->substr(name.size() + 1);
}

void set_entry(Environment& environment, std::string_view name, std::string_view value) {
  std::string entry = std::string(name) + "=" + std::string(value);
  if (std::string* old = find_entry(environment, name))
    *old = std::move(entry);
  else
    environment.push_back(std::move(entry));
}

bool is_program(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

Result<std::string> find_program(const std::string& program, const std::string& search_path) {
  if (program[0] == '/') {
    if (is_program(program)) return program;
    return fail(Code::kNotFound, program + ": no such program on this node");
  }
  for (const std::string& folder : split(search_path, ':')) {
    const std::string path = folder + "/" + program;
    if (!folder.empty() && folder[0] == '/' && is_program(path)) return path;
  }
  return fail(Code::kNotFound, program + ": not in this node's PATH (" + search_path +
                                   "); the same MPI has to be on every node");
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (std::string& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

/// posix_spawn's two argument objects, freed in the end.
struct SpawnSetup {
  SpawnSetup() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

void describe(SpawnSetup& setup, const Fd& output, const Fd& errors, const std::string& work_dir) {
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&setup.attributes, &all);
  posix_spawnattr_setsigmask(&setup.attributes, &none);
  posix_spawnattr_setflags(&setup.attributes,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  posix_spawn_file_actions_addopen(&setup.actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&setup.actions, output.get(), 1);
  posix_spawn_file_actions_adddup2(&setup.actions, errors.get(), 2);
  if (!work_dir.empty()) posix_spawn_file_actions_addchdir_np(&setup.actions, work_dir.c_str());
  posix_spawn_file_actions_addclosefrom_np(&setup.actions, 3);
}

}  // namespace

Result<DaemonPlan> plan_daemon(const SpawnRequest& request, const std::vector<std::string>& base,
                               const std::vector<std::string>& extra) {
  MNP_CHECK(check_spawn(request));
  DaemonPlan plan;
  plan.environment = base;
  for (const auto& [name, pieces] : request.env) {
    std::string value;
    for (const EnvPiece& piece : pieces)
      value += piece.reference ? value_of(plan.environment, piece.text) : piece.text;
    set_entry(plan.environment, name, value);
  }
  for (const std::string& entry : extra) {
    const size_t equals = entry.find('=');
    MNP_ASSERT(equals != std::string::npos, "an environment entry without '='");
    set_entry(plan.environment, entry.substr(0, equals), entry.substr(equals + 1));
  }
  MNP_TRY(plan.path, find_program(request.program, value_of(plan.environment, "PATH")));
  plan.argv.push_back(request.program);
  plan.argv.insert(plan.argv.end(), request.args.begin(), request.args.end());
  return plan;
}

Result<StartedDaemon> start_daemon(const SpawnRequest& request,
                                   const std::vector<std::string>& extra,
                                   const std::string& work_dir) {
  std::vector<std::string> base;
  for (char** entry = environ; *entry != nullptr; ++entry) base.emplace_back(*entry);
  MNP_TRY(DaemonPlan plan, plan_daemon(request, base, extra));
  MNP_TRY(Pipe output, make_pipe());
  MNP_TRY(Pipe errors, make_pipe());
  MNP_CHECK(set_nonblocking(output.read.get()));
  MNP_CHECK(set_nonblocking(errors.read.get()));
  SpawnSetup setup;
  describe(setup, output.write, errors.write, work_dir);
  StartedDaemon daemon;
  const int error = ::posix_spawn(&daemon.pid, plan.path.c_str(), &setup.actions, &setup.attributes,
                                  pointers(plan.argv).data(), pointers(plan.environment).data());
  if (error != 0) return fail(Code::kIo, plan.path + ": " + std::strerror(error));
  // Not reaped yet: the number is still its own.
  daemon.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, daemon.pid, 0)));
  if (!daemon.pidfd) {
    const auto failure = fail_errno("pidfd_open");
    ::kill(-daemon.pid, SIGKILL);
    ::waitpid(daemon.pid, nullptr, 0);
    return failure;
  }
  daemon.output = std::move(output.read);
  daemon.errors = std::move(errors.read);
  return daemon;
}

Result<std::optional<SpawnExit>> daemon_end(const StartedDaemon& daemon) {
  siginfo_t info{};
  if (::waitid(static_cast<idtype_t>(3 /* P_PIDFD */), static_cast<id_t>(daemon.pidfd.get()), &info,
               WEXITED | WNOHANG) != 0)
    return fail_errno("waitid");
  if (info.si_pid == 0) return std::nullopt;
  SpawnExit exit;
  (info.si_code == CLD_EXITED ? exit.code : exit.signal) = static_cast<uint32_t>(info.si_status);
  return exit;
}

void kill_daemon(const StartedDaemon& daemon) {
  // The group first: its number is the daemon's, which is not given away while it is not reaped.
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(daemon.pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0)
    return;
  ::kill(-daemon.pid, SIGKILL);
  ::syscall(SYS_pidfd_send_signal, daemon.pidfd.get(), SIGKILL, nullptr, 0);
}

}  // namespace mnp::node
