// AWS Batch as seen from here: typed requests and answers shaped like its API, and its documented
// rules. The local Batch stands behind it, and AWS's own.
// Source: AWS Batch API Reference and User Guide (SubmitJob, JobDetail, EvaluateOnExit,
// "Multi-node parallel jobs", "Automated job retries").
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mnp/core/clock.hpp"
#include "mnp/core/result.hpp"

namespace mnp::model {

inline constexpr size_t kMaxDependencies = 20;
inline constexpr uint32_t kMaxAttempts = 10;
inline constexpr size_t kMaxRetryRules = 5;
inline constexpr size_t kMaxPattern = 512;  // bytes of a rule's pattern
inline constexpr size_t kMaxJobName = 128;
inline constexpr uint32_t kMaxJobNodes = 1000;
inline constexpr size_t kMaxOverrideBytes = 8192;  // of a request, as override_bytes counts
inline constexpr size_t kMaxDescribedJobs = 100;   // ids in one describe
inline constexpr std::chrono::seconds kLeastJobTimeout{60};

/// SUBMITTED -> PENDING (waits for other jobs) -> RUNNABLE -> STARTING -> RUNNING
///           -> SUCCEEDED | FAILED;  RUNNING -> RUNNABLE for another attempt
enum class JobState { kSubmitted, kPending, kRunnable, kStarting, kRunning, kSucceeded, kFailed };
std::string_view to_text(JobState state);  // "RUNNABLE"
std::optional<JobState> job_state(std::string_view text);
inline bool has_ended(JobState state) {
  return state == JobState::kSucceeded || state == JobState::kFailed;
}

/// One condition set of `evaluateOnExit`: an empty pattern is no condition, all others must match.
/// A pattern is compared as it is; a `*` at its end stands for any rest.
struct RetryRule {
  std::string on_exit_code, on_reason, on_status_reason;
  bool retry = false;  // action RETRY, else EXIT
  bool operator==(const RetryRule&) const = default;
};

struct SubmitJob {
  std::string name;  // [A-Za-z0-9][A-Za-z0-9_-]*
  std::string queue;
  std::vector<std::string> depends_on;  // job ids that must succeed first
  uint32_t num_nodes = 1;
  uint32_t main_node = 0;
  std::map<std::string, std::string> environment;
  std::vector<std::string> command;  // argv of every node; empty: the image's own
  uint32_t attempts = 1;
  std::vector<RetryRule> rules;  // the first that matches decides; none matches: retry
  std::optional<std::chrono::seconds> timeout;  // of one attempt, whole job
};

struct JobAttempt {
  std::optional<int> exit_code;  // of the main node
  std::string reason;            // container's
  std::string status_reason;
  double started = 0, stopped = 0;  // seconds since 1970; 0: not yet
};

struct JobDetail {
  std::string id, name, queue;
  JobState state = JobState::kSubmitted;
  std::string status_reason;
  double created = 0, started = 0, stopped = 0;  // seconds since 1970; 0: not yet
  std::vector<JobAttempt> attempts;              // those that have ended
  uint32_t num_nodes = 1, main_node = 0;
  std::vector<std::string> depends_on;
};

struct NodeSummary {
  std::string id;  // "<job>#<index>"
  uint32_t index = 0;
  bool is_main = false;
  JobState state = JobState::kSubmitted;
  std::optional<int> exit_code;
};

/// Calls are made from one thread.
class Batch {
 public:
  virtual ~Batch() = default;
  /// The new job's id. kConfig where AWS answers ClientException.
  virtual Result<std::string> submit(const SubmitJob& request) = 0;
  /// At most kMaxDescribedJobs; ids that nobody knows are left out.
  virtual Result<std::vector<JobDetail>> describe(const std::vector<std::string>& ids) = 0;
  virtual Result<std::vector<JobDetail>> list() = 0;
  virtual Result<std::vector<NodeSummary>> list_nodes(const std::string& id) = 0;
  /// Ends the job in any state; it becomes FAILED with `reason` and is not tried again.
  virtual Status terminate(const std::string& id, const std::string& reason) = 0;
  /// As terminate, but does nothing to a job in STARTING or RUNNING, and says that it worked.
  virtual Status cancel(const std::string& id, const std::string& reason) = 0;
};

/// Bytes of `containerOverrides` as JSON: its environment and command.
size_t override_bytes(const SubmitJob& request);

/// AWS's limits on a request, before it is sent; kConfig names the field and the limit.
Status check_request(const SubmitJob& request);

/// Whether Batch tries again after an attempt that ended so (its count is the caller's matter).
bool wants_retry(const std::vector<RetryRule>& rules, const JobAttempt& end);

/// The rules for every stage, by the exit statuses of the main node.
std::vector<RetryRule> standard_retry_rules();

}  // namespace mnp::model
