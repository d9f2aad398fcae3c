// Tells the agent each second that this rank lives. From a thread of its own: the rank's loop may
// wait for a file of a slow store for longer than an agent lets its rank be silent. A rank that
// hangs anywhere else, in MPI first of all, says nothing and is ended.
#pragma once

#include <atomic>
#include <thread>

#include "comms/agent_link.hpp"
#include "mnp/core/clock.hpp"

namespace mnp::comms {

class Pulse {
 public:
  static constexpr Milliseconds kEvery{1000};
  /// The longest wait for one file that is no hang: the store is tried for so long elsewhere, too.
  static constexpr Milliseconds kFilesLimit{600'000};

  explicit Pulse(AgentLink& agent, Milliseconds every = kEvery,
                 Milliseconds files_limit = kFilesLimit);
  Pulse(const Pulse&) = delete;
  Pulse& operator=(const Pulse&) = delete;
  ~Pulse();

  /// The loop has turned.
  void turned() { turned_ = true; }

  /// While it lives, the loop waits for files.
  class Files {
   public:
    explicit Files(Pulse& pulse) : pulse_(pulse) { pulse_.files_since_ = ticks(Clock::now()); }
    ~Files() { pulse_.files_since_ = 0; }
    Files(const Files&) = delete;
    Files& operator=(const Files&) = delete;

   private:
    Pulse& pulse_;
  };

 private:
  static Clock::rep ticks(TimePoint time) { return time.time_since_epoch().count(); }
  void run(const std::stop_token& stop);
  bool lives();

  AgentLink& agent_;
  const Milliseconds every_, files_limit_;
  std::atomic<bool> turned_{true};
  std::atomic<Clock::rep> files_since_{0};  // 0: no file is waited for
  std::jthread thread_;
};

}  // namespace mnp::comms
