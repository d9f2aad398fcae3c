#include "cpu/command_runner.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "cpu/launch.hpp"
#include "cpu/output_pump.hpp"
#include "cpu/start_plan.hpp"
#include "cpu/supervision.hpp"
#include "mnp/core/files.hpp"
#include "mnp/core/text.hpp"

namespace mnp::cpu {
namespace {

constexpr auto kShortage = std::chrono::seconds(20);  // of descriptors, processes or memory
constexpr auto kShortagePause = std::chrono::milliseconds(100);
constexpr size_t kChunk = 64 << 10;  // bytes read at once; a pipe holds as much

/// A descriptor above 2, so that the child's dup of it to 0, 1 and 2 never meets itself.
Result<Fd> above_2(Fd fd) {
  if (fd.get() > 2) return fd;
  Fd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
  if (!copy) return fail_errno("duplicate a descriptor");
  return copy;
}

/// Every signal, so that no handler runs in a child that shares this memory. But not a SIGCHLD
/// without handler: were it blocked here, Linux would wake another thread for each command's end,
/// only to drop it there.
sigset_t signals_to_block() {
  sigset_t all;
  ::sigfillset(&all);
  struct sigaction action {};
  if (::sigaction(SIGCHLD, nullptr, &action) == 0 && action.sa_handler == SIG_DFL)
    ::sigdelset(&all, SIGCHLD);
  return all;
}

/// Blocks signals of this thread while it lives.
class SignalsBlocked {
 public:
  explicit SignalsBlocked(const sigset_t& signals) {
    ::pthread_sigmask(SIG_SETMASK, &signals, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

Finished not_started(int error) {
  Finished finished;
  finished.started = finished.ended = wall_seconds();
  finished.ending = {model::Ending::Kind::kNotStarted, error};
  finished.stopped = error == ECANCELED;
  return finished;
}

/// CLONE_PIDFD came with Linux 5.2; older kernels ignore it.
Status check_kernel() {
  const Fd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (self) return {};
  return fail_errno("pidfd_open (Linux 5.3 or newer is needed)");
}

}  // namespace

RunnerOptions expendable() {
  constexpr int kAboveOurs = 500, kMost = 1000;  // in thousandths of the memory there is
  const auto text = read_file("/proc/self/oom_score_adj");
  const int64_t ours = text ? parse_integer(trim(*text)).value_or(0) : 0;
  RunnerOptions options;
  options.oom_score_adj = std::min(static_cast<int>(ours) + kAboveOurs, kMost);
  return options;
}

struct CommandRunner::Impl {
  Impl(std::shared_ptr<Orphans> shared, RunnerOptions chosen, Fd input, Fd wake)
      : orphans(std::move(shared)),
        options(chosen),
        oom_score_adj(chosen.oom_score_adj ? std::to_string(*chosen.oom_score_adj) : ""),
        null_input(std::move(input)),
        stop(std::move(wake)) {}

  Status ready_pipe();
  Launched start(const Start& start);
  Launched start_patiently(const Start& start);
  Finished run(const Start& start, OutputSink& sink);

  std::shared_ptr<Orphans> orphans;
  RunnerOptions options;
  std::string oom_score_adj;
  Fd null_input;
  StopRequest stop;
  const sigset_t signals = signals_to_block();
  // Kept from command to command: this process holds both ends, so that no end of file wakes it
  // just before the end of the process does.
  Pipe pipe;
  Launcher launcher;
  StartPlan plan;
  std::string buffer = std::string(kChunk, '\0');
};

/// A pipe as good as new: an earlier command may have changed the flags of the end it wrote to.
Status CommandRunner::Impl::ready_pipe() {
  if (pipe.write && ::fcntl(pipe.write.get(), F_SETFL, 0) == 0) return {};
  MNP_TRY(Pipe made, make_pipe());
  MNP_TRY(pipe.read, above_2(std::move(made.read)));
  MNP_TRY(pipe.write, above_2(std::move(made.write)));
  return set_nonblocking(pipe.read.get());
}

Launched CommandRunner::Impl::start(const Start& start) {
  LaunchPlan& ready = plan.prepare(start);
  ready.oom_score_adj = oom_score_adj.empty() ? nullptr : oom_score_adj.c_str();
  ready.input = null_input.get();
  ready.output = pipe.write.get();
  return launcher.launch(ready);
}

/// A machine that is short of something is no fault of the command's.
Launched CommandRunner::Impl::start_patiently(const Start& wanted) {
  const TimePoint limit = Clock::now() + kShortage;
  for (;;) {
    Launched launched;
    if (ready_pipe())
      launched = start(wanted);
    else
      launched.error = EMFILE;
    const int error = launched.error;
    const bool is_short = error == EMFILE || error == ENFILE || error == EAGAIN || error == ENOMEM;
    if (is_short && stop.kill_at()) launched.error = ECANCELED;
    if (!is_short || stop.kill_at() || Clock::now() > limit) return launched;
    std::this_thread::sleep_for(kShortagePause);
  }
}

Finished CommandRunner::Impl::run(const Start& wanted, OutputSink& sink) {
  if (stop.kill_at()) return not_started(ECANCELED);
  const SignalsBlocked blocked(signals);
  const Orphans::RunId run = orphans->enter(wanted.marks);
  const double started = wall_seconds();
  Launched launched = start_patiently(wanted);
  Finished finished;
  if (launched.error != 0) {
    finished = not_started(launched.error);
  } else {
    orphans->started(run, launched.pid);
    if (wanted.leave_descendants) pipe.write.reset();
    finished = Supervision(wanted, options, std::move(launched),
                           OutputPump(pipe.read.get(), sink, wanted.max_output, buffer), *orphans,
                           run, stop)
                   .run(started);
  }
  orphans->leave(run);
  // Something that nobody knows may be its own, and write on.
  if (finished.left_running || wanted.leave_descendants || orphans->has_strangers()) pipe = Pipe{};
  return finished;
}

CommandRunner::CommandRunner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CommandRunner::~CommandRunner() = default;

Result<std::unique_ptr<CommandRunner>> CommandRunner::create(std::shared_ptr<Orphans> orphans,
                                                             RunnerOptions options) {
  MNP_CHECK(check_kernel());
  Fd input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!input) return fail_errno("open /dev/null");
  MNP_TRY(Fd null_input, above_2(std::move(input)));
  MNP_TRY(Fd wake, make_eventfd());
  auto impl =
      std::make_unique<Impl>(std::move(orphans), options, std::move(null_input), std::move(wake));
  MNP_CHECK(impl->ready_pipe());
  return std::unique_ptr<CommandRunner>(new CommandRunner(std::move(impl)));
}

Finished CommandRunner::run(const Start& start, OutputSink& sink) {
  return impl_->run(start, sink);
}

void CommandRunner::stop(Milliseconds grace) {
  impl_->stop.make(Clock::now() + grace);
}

}  // namespace mnp::cpu
