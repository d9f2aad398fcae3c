// Processes that outlive their command: who left them, and their end.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "mnp/core/clock.hpp"
#include "mnp/core/fd.hpp"
#include "mnp/core/result.hpp"

namespace mnp::cpu {

/// Makes this process the one that adopts whatever its descendants leave behind.
Status become_subreaper();

/// Shared by all runners of a process. What a command leaves (also what called setsid) is adopted
/// by the *main thread* of this subreaper, as Linux chooses the first living thread, while commands
/// are children of the threads that started them. So one read of the main thread's list of
/// children, empty as a rule, tells whether a command has left anything.
///
/// An orphan belongs to the running command whose session it is in or whose marks are in its
/// environment; one that shows neither goes with the last command that ran when it was born.
/// Contract: while runners are at work, the main thread starts no processes of its own (start them
/// by a CommandRunner in another thread): dead children of the main thread are reaped here.
class Orphans {
 public:
  /// Calls become_subreaper.
  static Result<std::shared_ptr<Orphans>> create();

  /// Processes with this entry ("MNP_EPOCH=3") in their environment are left alone by the ends of
  /// commands, until `end_marked`.
  void spare(std::string mark);
  /// Forgets the mark, ends every adopted process that carries it with its descendants, and waits
  /// for runs that carry it to end: their runners must have been stopped.
  Status end_marked(const std::string& mark, TimePoint deadline);

  /// Reaps what has died among the adopted. Costs one read where nothing was left; the ends of
  /// commands do it too, but one command may run for days.
  void reap();

  /// Used by CommandRunner. A run is entered before its process starts.
  using RunId = uint64_t;
  RunId enter(std::vector<std::string> marks);
  void started(RunId run, pid_t pid);
  void leave(RunId run);
  /// Kills what the run has left until nothing is there; kTimeout when something is at `deadline`.
  /// Costs one read where nothing was left.
  Status end_left_of(RunId run, TimePoint deadline);
  /// Whether something was adopted that shows neither whose it is nor that it is to be left alone.
  bool has_strangers();
  /// The living orphans of a run, for a friendly signal.
  std::vector<pid_t> left_of(RunId run);

 private:
  struct Run {
    bool has(const std::string& mark) const;

    std::vector<std::string> marks;
    pid_t pid = 0;
    uint64_t born = 0;    // in clock ticks since boot, as in /proc/PID/stat
    bool listed = false;  // the command is in the list of adopted processes too
  };
  struct Owner {
    RunId run = 0;      // or kUnknown, kSpared
    uint64_t born = 0;  // of the process, as above
  };
  static constexpr RunId kUnknown = 0;
  static constexpr RunId kSpared = UINT64_MAX;  // nothing that the end of a command may touch

  explicit Orphans(Fd children) : children_(std::move(children)) {}
  std::vector<pid_t> adopted();
  Owner look_at(pid_t pid);
  bool has_spared_mark(const Run& run) const;
  std::vector<pid_t> marked(const std::string& mark, bool& running);
  bool belongs(const Owner& owner, RunId run) const;
  bool is_command(pid_t pid) const;
  bool is_of_started_run(pid_t pid) const;
  void reap_dead(const std::vector<pid_t>& pids);

  Fd children_;  // /proc/self/task/<main>/children; none: the kernel has no such file
  std::mutex mutex_;
  RunId next_ = 1;
  std::unordered_map<RunId, Run> runs_;
  std::unordered_map<pid_t, Owner> seen_;  // what was found out about adopted processes
  std::vector<std::string> spared_;
};

}  // namespace mnp::cpu
