#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "cpu/descendants.hpp"
#include "launcher/command_source.hpp"
#include "mnp/core/signals.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/command_list.hpp"

extern char** environ;

namespace mnp::launcher {
namespace {

constexpr auto kEndLimit = std::chrono::seconds(5);

std::vector<std::string> environment_with(const fs::path& bin) {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (!starts_with(*entry, "PATH=")) entries.emplace_back(*entry);
  const char* path = std::getenv("PATH");
  entries.push_back("PATH=" + bin.string() + ":" + (path == nullptr ? "/usr/bin:/bin" : path));
  return entries;
}

Result<pid_t> start_shell(const std::string& text, const std::string& folder, const fs::path& bin,
                          int output, const sigset_t& mask) {
  const auto environment = environment_with(bin);
  std::vector<char*> entries;
  for (const auto& entry : environment) entries.push_back(const_cast<char*>(entry.c_str()));
  entries.push_back(nullptr);
  const char* const argv[] = {"sh", "-c", text.c_str(), nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output, 1);
  if (!folder.empty()) ::posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  posix_spawnattr_t how;
  ::posix_spawnattr_init(&how);
  ::posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
  ::posix_spawnattr_setsigmask(&how, &mask);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, "/bin/sh", &actions, &how, const_cast<char* const*>(argv),
                                  entries.data());
  ::posix_spawnattr_destroy(&how);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(Code::kConfig, fmt::format("`{}`: {}", text, std::strerror(error)));
  return pid;
}

/// Ctrl-C and the like end the program, too, and not `mnp` alone: while this lives they are read.
class StopSignals {
 public:
  StopSignals() {
    ::sigprocmask(SIG_SETMASK, nullptr, &before_);
    if (auto caught = catch_signals(kStopSignals)) caught_ = std::move(*caught);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  const Fd& fd() const { return caught_; }
  const sigset_t& before() const { return before_; }

 private:
  sigset_t before_{};
  Fd caught_;
};

/// Until there is something to read there: an end, too, of a pipe or, from a pidfd, of a process.
Status wait_for(int fd, const Fd& stops, TimePoint deadline) {
  for (;;) {
    std::array<pollfd, 2> wait{{{fd, POLLIN, 0}, {stops.get(), POLLIN, 0}}};
    if (::poll(wait.data(), wait.size(), poll_timeout(deadline)) < 0 && errno != EINTR)
      return fail_errno("poll");
    if (const auto signal = next_signal(stops))
      return fail(Code::kStopped, "was stopped by " + signal_name(*signal));
    if (Clock::now() >= deadline) return fail(Code::kTimeout, "does not come to its end in time");
    if (wait[0].revents != 0) return {};
  }
}

Result<std::string> read_until_closed(int fd, const Fd& stops, TimePoint deadline) {
  std::string bytes;
  std::string buffer(size_t{1} << 16, '\0');
  for (;;) {
    MNP_CHECK(wait_for(fd, stops, deadline));
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read");
    if (count == 0) return bytes;
    bytes.append(buffer.data(), static_cast<size_t>(count));
    if (bytes.size() > model::kMaxListBytes)
      return fail(Code::kConfig, "prints more than " + format_bytes(model::kMaxListBytes));
  }
}

/// What it prints until it has ended.
Result<std::string> read_all_of(pid_t pid, int output, const Fd& stops, TimePoint deadline) {
  const Fd end(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!end) return fail_errno("pidfd_open");
  MNP_TRY(auto bytes, read_until_closed(output, stops, deadline));
  MNP_CHECK(wait_for(end.get(), stops, deadline));
  return bytes;
}

}  // namespace

Result<std::string> output_of(const std::string& text, const std::string& folder,
                              const fs::path& bin, Milliseconds limit) {
  MNP_TRY(Pipe pipe, make_pipe());
  const StopSignals stops;
  MNP_TRY(const pid_t pid, start_shell(text, folder, bin, pipe.write.get(), stops.before()));
  pipe.write.reset();
  auto output = read_all_of(pid, pipe.read.get(), stops.fd(), Clock::now() + limit);
  if (!output) {
    (void)cpu::end_tree(pid, Clock::now() + kEndLimit);
    const Code code = output.error().code == Code::kStopped ? Code::kStopped : Code::kConfig;
    return fail(code, fmt::format("`{}` {}", text, output.error().text));
  }
  int status = 0;
  (void)::waitpid(pid, &status, 0);
  if (status == 0) return output;
  return fail(Code::kConfig,
              fmt::format("`{}` ended with {} {}; run it by hand, it prints the list", text,
                          WIFSIGNALED(status) ? "signal" : "status",
                          WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)));
}

}  // namespace mnp::launcher
