// AWS Batch on one machine: jobs' nodes are processes. Jobs start as soon as what they depend on
// has succeeded; there is no capacity to wait for.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "launcher/local_attempt.hpp"
#include "mnp/core/loop.hpp"
#include "mnp/model/batch.hpp"

namespace mnp::launcher {

/// A job's reason when one that it depends on has failed; AWS's words.
inline constexpr char kDependencyFailed[] = "Dependent Job failed";

/// An attempt's reason when its main node has exited; AWS's words, which say nothing to people.
inline constexpr char kMainExited[] = "Essential container in task exited";

/// Every child of this process that the local Batch has not started counts as left by a node and
/// is ended (this process becomes a subreaper). When the object goes, its nodes go.
class LocalBatch : public model::Batch {
 public:
  LocalBatch(Loop& loop, LocalHost host);
  ~LocalBatch() override;

  /// Whenever a job has changed; from a turn of the loop.
  void on_change(std::function<void()> listener) { listener_ = std::move(listener); }

  /// The environment must name the stage (MNP_STAGE); the command is appended to mnp-node.
  Result<std::string> submit(const model::SubmitJob& request) override;
  Result<std::vector<model::JobDetail>> describe(const std::vector<std::string>& ids) override;
  Result<std::vector<model::JobDetail>> list() override;
  Result<std::vector<model::NodeSummary>> list_nodes(const std::string& id) override;
  Status terminate(const std::string& id, const std::string& reason) override;
  Status cancel(const std::string& id, const std::string& reason) override;
  /// SIGKILL to every node of every job, and no other attempt.
  void kill_all(const std::string& reason);

 private:
  struct Job {
    model::SubmitJob request;
    model::JobDetail detail;
    std::unique_ptr<LocalAttempt> attempt;
    std::optional<Loop::TimerId> timer;  // job's timeout, or the delay before another attempt
    std::string end_reason;              // set: terminated or timed out, not tried again
    double attempt_started = 0;
  };
  void advance();
  void change(Job& job, model::JobState state);
  void fail_job(Job& job, const std::string& reason);
  void wait_for_dependencies(Job& job);
  void start_attempt(Job& job);
  void attempt_running(Job& job);
  void attempt_ended(Job& job);
  void end_for(Job& job, const std::string& reason);
  void close_attempt(Job& job, model::JobAttempt end);
  void forget_timer(Job& job);
  Result<Job*> find(const std::string& id);
  std::vector<pid_t> pids() const;

  Loop& loop_;
  const LocalHost host_;
  Pipe lifeline_;
  std::map<std::string, std::unique_ptr<Job>> jobs_;
  std::vector<std::string> order_;  // of submission
  std::function<void()> listener_;
  Loop::TimerId sweep_timer_ = 0;
  std::optional<Loop::TimerId> advance_timer_;
};

}  // namespace mnp::launcher
