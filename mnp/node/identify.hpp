// Who this container is, from the environment alone: the first phase of every node.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "mnp/core/clock.hpp"
#include "mnp/core/ids.hpp"
#include "mnp/core/result.hpp"

namespace mnp::node {

/// Source: AWS Batch user guide, "Multi-node parallel job environment variables".
struct Identity {
  bool in_batch = false;     // AWS_BATCH_JOB_ID is set
  std::string job;           // Batch's job id before '#'; "local" outside Batch
  uint32_t attempt = 1;      // AWS_BATCH_JOB_ATTEMPT
  NodeIndex index;           // of this node
  NodeIndex main_index;      // not always 0
  uint32_t nodes = 1;        // of the job
  std::string main_address;  // IPv4 of main; empty on main itself
  std::string own_address;   // IPv4; empty: chosen by the route to main
  int port = 0;              // main's TCP port

  std::string run;               // run id
  std::string stage;             // name
  bool raw = false;              // no pipeline file: the list comes from `list_file`
  std::string list_file;         // raw only: path of the command list
  std::string store;             // folder; empty: none was named
  bool has_join_secret = false;  // which nobody but JoinKey::derive gets
  std::string scratch_root;      // folder on a local disk
  bool fresh_failures = false;
  int lifeline = -1;  // descriptor; none: -1

  bool is_main() const { return index == main_index; }
  /// What this node's lease is measured by: whether its nodes share a machine, as those of `mnp
  /// run` do, is decided here alone.
  LeaseClock lease_clock() const;
  /// "node 3"; for logs.
  std::string label() const { return "node " + std::to_string(index.value()); }
};

using GetEnv = std::function<const char*(const char*)>;

/// All cases: main, child, a single node, a plain (not multi-node) Batch job, no Batch at all.
/// kConfig names the variable, what it holds and what it should be.
/// `has_key`: the keeper holds the join key, so that neither store nor secret has to be named.
Result<Identity> identify(const GetEnv& get, bool has_key = false);

}  // namespace mnp::node
