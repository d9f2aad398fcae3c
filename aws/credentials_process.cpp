#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "aws/credentials_document.hpp"
#include "aws/credentials_sources.hpp"
#include "mnp/core/clock.hpp"
#include "mnp/core/fd.hpp"

extern char** environ;

namespace mnp::aws {
namespace {

constexpr Milliseconds kLimit{60000};  // people may have to touch a key
constexpr size_t kMaxOutput = 64 << 10;

/// Where there is a terminal it may ask for a PIN, which only the foreground's group can.
bool has_terminal() {
  return static_cast<bool>(Fd(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)));
}

/// A shell, where `alone` in a process group of its own, so that all of it can be ended. Its
/// standard error is ours: it may have something to say to the operator.
Result<pid_t> start(const std::string& command, const Fd& output, bool alone) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, output.get(), STDOUT_FILENO);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  if (alone) ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  std::string shell = "sh", option = "-c", line = command;
  std::array<char*, 4> words = {shell.data(), option.data(), line.data(), nullptr};
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, "/bin/sh", &actions, &attributes, words.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  errno = failed;
  if (failed != 0) return fail_errno("start the credential_process");
  return pid;
}

/// Everything until the other end is closed.
Status read_output(const Fd& from, TimePoint deadline, std::string& text) {
  std::array<char, 4096> block{};
  for (;;) {
    pollfd wait{from.get(), POLLIN, 0};
    const auto left = std::chrono::duration_cast<Milliseconds>(deadline - Clock::now());
    const int ready = left.count() <= 0 ? 0 : ::poll(&wait, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return fail_errno("poll");
    if (ready == 0)
      return fail(Code::kTimeout, fmt::format("it says nothing for {} s", kLimit.count() / 1000));
    const ssize_t n = ::read(from.get(), block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read");
    if (n == 0) return {};
    text.append(block.data(), static_cast<size_t>(n));
    if (text.size() > kMaxOutput) return fail(Code::kProtocol, "it says too much");
  }
}

class Process : public CredentialsProvider {
 public:
  explicit Process(std::string command) : command_(std::move(command)) {}
  Result<Credentials> get() override {
    auto found = run();
    if (!found) return fail(found.error().within("credential_process"));
    return found;
  }

 private:
  Result<Credentials> run() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
    const Fd ours(ends[0]);
    Fd theirs(ends[1]);
    const bool alone = !has_terminal();
    MNP_TRY(const pid_t pid, start(command_, theirs, alone));
    theirs = Fd();
    std::string text;
    const Status read = read_output(ours, Clock::now() + kLimit, text);
    if (!read) ::kill(alone ? -pid : pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    if (!read) return fail(read.error());
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
      return fail(Code::kConfig, WIFEXITED(status)
                                     ? fmt::format("it ended with {}", WEXITSTATUS(status))
                                     : fmt::format("it ended by signal {}", WTERMSIG(status)));
    return credentials_from_json(text);
  }

  const std::string command_;
};

}  // namespace

Provider process_credentials(std::string command) {
  return std::make_shared<Process>(std::move(command));
}

}  // namespace mnp::aws
