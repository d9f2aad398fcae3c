// AWS Batch: job definitions, jobs and queues. Source: AWS Batch API Reference, 2016-08-10.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aws/service.hpp"
#include "mnp/model/batch.hpp"

namespace mnp::aws {

/// What all nodes of a multi-node job have in common: one node range, "0:".
struct JobDefinition {
  std::string name;
  uint32_t num_nodes = 1;
  uint32_t main_node = 0;
  std::string image;
  std::vector<std::string> command;  // empty: the image's own
  std::string instance_type;         // "": Batch chooses from the compute environment
  uint32_t vcpus = 1;
  uint32_t memory_mib = 2048;
  uint32_t gpus = 0;
  std::string job_role, execution_role;  // ARNs; "": none
  std::map<std::string, std::string> environment;
  struct Limit {
    std::string name;            // "memlock"
    int64_t soft = 0, hard = 0;  // -1: unlimited
  };
  std::vector<Limit> ulimits;
  uint32_t shm_mib = 0;              // of /dev/shm; 0: Docker's 64 MiB
  std::vector<std::string> devices;  // "/dev/infiniband/uverbs0"
  struct Mount {
    std::string host, container;  // paths
    bool read_only = false;
  };
  std::vector<Mount> mounts;
  std::string log_group, log_prefix;  // awslogs; "": Batch's own /aws/batch/job
  std::map<std::string, std::string> tags;
};

/// Where and as what a job runs; the rest is the same for every Batch (model::SubmitJob).
struct JobPlace {
  std::string definition;  // name, name:revision or ARN
  std::string share;       // of a fair-share queue
  std::optional<int> priority;
  std::map<std::string, std::string> tags;  // with its definition's at most 50: else the job fails
};

struct Job : model::JobDetail {
  std::string arn, definition;
  std::string log_stream;  // of the main node's latest attempt, or of the node that was asked for
  bool cancelled = false, terminated = false;
};

struct JobQueue {
  std::string name, arn, state, status, status_reason;
  int priority = 0;
  std::vector<std::string> compute_environments;  // in the order in which they are tried
};

struct ComputeEnvironment {
  std::string name, arn, type, state, status, status_reason;
  std::string resource_type;  // "EC2", "SPOT", ...
  std::vector<std::string> instance_types, subnets, security_groups;
  std::string placement_group, instance_role, launch_template;
  uint32_t min_vcpus = 0, max_vcpus = 0, desired_vcpus = 0;
};

/// A job at the front of a queue.
struct QueuedJob {
  std::string arn;
  double since = 0;  // seconds since 1970: it has this place at least from then on
};

// Limits that the API document gives and the model does not.
inline constexpr size_t kMaxTags = 50;
inline constexpr size_t kMaxTagKey = 128, kMaxTagValue = 256;
inline constexpr size_t kMaxDefinitionBytes = 24 << 10, kMaxSubmitBytes = 30 << 10;  // as sent

/// kConfig names the field and the limit; nothing has been sent then.
Status check(const JobDefinition& definition);
Status check(const model::SubmitJob& request, const JobPlace& place);

/// Requests as they are sent, for tests against the API's model. JSON.
std::string register_body(const JobDefinition& definition);
std::string submit_body(const model::SubmitJob& request, const JobPlace& place);

class BatchClient {
 public:
  /// `sleep`: for tests, in place of waiting.
  explicit BatchClient(Service service, std::function<void(Milliseconds)> sleep = {});

  /// "name:revision"
  ApiResult<std::string> register_definition(const JobDefinition& definition);
  /// The job's id. `request.name` must be new: where the answer is lost, the queue is searched for
  /// it before the job is submitted again, since Batch has no token that would tell it apart.
  ApiResult<std::string> submit(const model::SubmitJob& request, const JobPlace& place);
  /// In any number; ids that Batch has forgotten (a day after their end) are left out. "<id>#<n>"
  /// is a node.
  ApiResult<std::vector<Job>> describe(const std::vector<std::string>& ids);
  /// All jobs of a queue with this name, in any state.
  ApiResult<std::vector<std::string>> find_by_name(const std::string& queue,
                                                   const std::string& name);
  /// Nodes of a multi-node job, in any state, by index.
  ApiResult<std::vector<model::NodeSummary>> nodes(const std::string& id);
  /// As model::Batch says of each.
  ApiStatus terminate(const std::string& id, const std::string& reason);
  ApiStatus cancel(const std::string& id, const std::string& reason);
  ApiResult<std::vector<QueuedJob>> queue_front(const std::string& queue);
  /// By name or ARN; all where `names` is empty.
  ApiResult<std::vector<JobQueue>> queues(const std::vector<std::string>& names);
  ApiResult<std::vector<ComputeEnvironment>> compute_environments(
      const std::vector<std::string>& names);

 private:
  Service service_;
  std::function<void(Milliseconds)> sleep_;
};

}  // namespace mnp::aws
