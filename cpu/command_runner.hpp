// Runs one command after the other for one slot: start, output, time limits, end.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cpu/orphans.hpp"
#include "mnp/core/clock.hpp"
#include "mnp/core/fd.hpp"
#include "mnp/core/result.hpp"
#include "mnp/model/record.hpp"

namespace mnp::cpu {

/// Where a command's output goes.
class OutputSink {
 public:
  virtual ~OutputSink() = default;
  /// Takes all of `bytes` and says true; or takes nothing and says false ("not now"): the same
  /// bytes are offered again 20 ms later, and the command waits in its own write(2) meanwhile.
  virtual bool write(std::string_view bytes) = 0;
  /// Once, after the last `write`: the command printed more, which is dropped.
  virtual void cut() {}
};

/// Complete environment entries "NAME=value", shared by many starts.
using Environment = std::shared_ptr<const std::vector<std::string>>;

struct Start {
  std::string line;                // run as /bin/sh -c does, without a shell where none is needed
  std::vector<std::string> argv;   // if not empty: started as it is, never by a shell; no `line`
  Environment base;                // null: nothing but `extra`
  std::vector<std::string> extra;  // replace entries of the same name in `base`
  /// Entries among the above that no other start in this process has, all of them together: by
  /// them processes that left the command's session are known as its own.
  std::vector<std::string> marks;
  std::string cwd;        // also set as PWD; empty: this process's own
  std::vector<int> cpus;  // bound to these; empty: not bound
  std::optional<Milliseconds> timeout;
  std::optional<int> warn_signal;  // sent `warn_before` the timeout
  Milliseconds warn_before{0};
  uint64_t max_output = UINT64_MAX;  // bytes handed to the sink; the rest is read and dropped
  /// For daemons: what the command leaves behind lives on, and its output is read until every
  /// holder of the pipe is gone. `Orphans::spare` says until when.
  bool leave_descendants = false;
};

struct Finished {
  model::Ending ending;
  double started = 0, ended = 0;  // seconds since 1970
  double cpu_seconds = 0;         // of the command and the children it waited for
  /// Largest resident set of one process. A process starts out on this process's pages, so less
  /// than this process's own peak cannot be told from rusage: then it is the last reading of
  /// VmHWM, made once a second, or 0.
  uint64_t max_rss_kib = 0;
  uint64_t output_bytes = 0;  // handed to the sink
  bool truncated = false;     // there was more
  bool stopped = false;       // stop() or kill() ended it, or kept it from starting
  bool left_running = false;  // something could not be killed within kKillDeadline
};

struct RunnerOptions {
  /// Written to the command's oom_score_adj, so that it goes before this process; none: as it is.
  std::optional<int> oom_score_adj;
  Milliseconds timeout_grace{10000};  // from SIGTERM at the timeout to SIGKILL
};

/// For what users run: where memory runs out, the kernel ends it before this process.
RunnerOptions expendable();

inline constexpr Milliseconds kKillDeadline{10000};  // for processes to be gone after SIGKILL

/// One per slot. `run` is called by one thread at a time, whose signals are blocked meanwhile; it
/// must outlive the command (commands die with the thread that started them) and should not be the
/// main thread where several runners are at work.
class CommandRunner {
 public:
  static Result<std::unique_ptr<CommandRunner>> create(std::shared_ptr<Orphans> orphans,
                                                       RunnerOptions options = {});
  ~CommandRunner();
  CommandRunner(const CommandRunner&) = delete;
  CommandRunner& operator=(const CommandRunner&) = delete;

  /// Returns when the command and everything it started are gone.
  Finished run(const Start& start, OutputSink& sink);

  /// From any thread. SIGTERM to everything of the command now, SIGKILL after `grace`. Lasting:
  /// later runs end at once as kNotStarted(ECANCELED).
  void stop(Milliseconds grace);
  /// SIGKILL now; lasting likewise.
  void kill() { stop(Milliseconds(0)); }

 private:
  struct Impl;
  explicit CommandRunner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mnp::cpu
