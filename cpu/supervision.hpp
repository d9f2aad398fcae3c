// One running command, from its start until nothing of it is left.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "cpu/command_runner.hpp"
#include "cpu/launch.hpp"
#include "cpu/orphans.hpp"
#include "cpu/output_pump.hpp"

namespace mnp::cpu {

/// A lasting request to stop, from any thread.
class StopRequest {
 public:
  explicit StopRequest(Fd wake) : wake_(std::move(wake)) {}
  /// The earliest `kill_at` counts.
  void make(TimePoint kill_at);
  std::optional<TimePoint> kill_at() const;
  const Fd& wake() const { return wake_; }  // readable after every `make`, until drained

 private:
  Fd wake_;
  mutable std::mutex mutex_;
  std::optional<TimePoint> kill_at_;
};

class Supervision {
 public:
  Supervision(const Start& start, const RunnerOptions& options, Launched launched, OutputPump pump,
              Orphans& orphans, Orphans::RunId run, const StopRequest& stop);

  /// running -> (warned) -> (asked to end: SIGTERM) -> (killed) -> leader dead -> rest dead ->
  /// reaped
  Finished run(double started);

 private:
  bool wait_for_leader();
  void wait_once(int pidfd, bool& leader_ended);
  TimePoint next_deadline() const;
  void serve_deadlines();
  void serve_stop();
  void warn();
  void ask_to_end(TimePoint kill_at);
  void kill_leader();
  bool end_rest();
  void read_until_closed();
  void wait_for_rest();
  void drain();
  void account(Finished& finished);

  const Start& start_;
  const RunnerOptions& options_;
  Launched launched_;
  OutputPump pump_;
  Orphans& orphans_;
  const Orphans::RunId run_;
  const StopRequest& stop_;
  TimePoint sample_at_;
  std::optional<TimePoint> warn_at_, timeout_at_, kill_at_, give_up_at_;
  uint64_t sampled_rss_kib_ = 0;
  bool asked_ = false, timed_out_ = false, stopped_ = false;
};

}  // namespace mnp::cpu
