// One attempt of a local job: its node processes from the first start to the last end.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "launcher/loopback_addresses.hpp"
#include "launcher/node_process.hpp"
#include "mnp/core/errands.hpp"
#include "mnp/core/files.hpp"
#include "mnp/core/loop.hpp"
#include "mnp/core/store.hpp"
#include "mnp/model/batch.hpp"
#include "mnp/model/environment.hpp"
#include "mnp/model/ownership.hpp"

namespace mnp::launcher {

/// What Batch's infrastructure is here.
struct LocalHost {
  std::string node_program;        // absolute path of mnp-node
  std::shared_ptr<Store> store;    // that nodes are told of
  fs::path local;                  // locks and logs of nodes: RunStore::local
  std::string run;                 // run id
  fs::path temporary;              // scratch folders are made below
  int port = model::kDefaultPort;  // of main nodes, each on an address of its own
  Milliseconds grace{30000};       // between SIGTERM and SIGKILL
  Milliseconds retry_delay{500};   // before another attempt
  /// Where the store is asked, which may not answer for long.
  std::shared_ptr<Errands> errands;
};

/// starting -> main is running, children start -> main has ended (or `stop`): SIGTERM to the rest
///   -> (grace is over: SIGKILL) -> all have ended
class LocalAttempt {
 public:
  struct Events {
    std::function<void()> running;  // main has started
    std::function<void()> ended;    // every node has; once, after `start` has returned
  };
  LocalAttempt(Loop& loop, const LocalHost& host, const model::SubmitJob& request, std::string job,
               uint32_t number, int lifeline, Events events);
  ~LocalAttempt();
  LocalAttempt(const LocalAttempt&) = delete;
  LocalAttempt& operator=(const LocalAttempt&) = delete;

  /// Starts main; children follow from the loop. An error: nothing was started.
  Status start();
  /// SIGTERM to main, then to the children; after the grace SIGKILL to what is left.
  void stop();
  /// SIGKILL to all.
  void kill();

  std::optional<int> exit_code() const { return exit_code_; }  // of main, once it has ended
  std::vector<model::NodeSummary> nodes() const;
  std::vector<pid_t> pids() const;  // of nodes that run

 private:
  struct Node {
    std::optional<NodeProcess> process;  // while it runs
    std::optional<int> exit_code;
    bool started = false;
    bool told_to_end = false;  // SIGTERM comes once
  };
  Status start_node(uint32_t index);
  void tell_running();
  void start_next_child();
  void node_ended(uint32_t index);
  void main_ended();
  void kill_lost();
  void tell_to_end(Node& node);
  void end_soon();
  void finish_if_all_ended();
  std::vector<std::string> environment(uint32_t index) const;
  model::AttemptKeys keys() const;
  fs::path scratch_of(uint32_t index) const;

  Loop& loop_;
  const LocalHost& host_;
  const model::SubmitJob& request_;
  const std::string job_;
  const uint32_t number_;
  const int lifeline_;
  Events events_;
  const std::shared_ptr<const bool> alive_ = std::make_shared<bool>(true);
  std::optional<LoopbackAddresses> addresses_;
  std::optional<TemporaryFolder> scratch_;
  std::vector<Node> nodes_;
  std::vector<uint32_t> waiting_children_;  // started from the back
  std::optional<int> exit_code_;
  std::optional<Loop::TimerId> kill_timer_, child_timer_, end_timer_;
  bool told_running_ = false, stopping_ = false;
};

struct LostNode {
  uint32_t node = 0;
  std::string reason;
  bool operator==(const LostNode&) const = default;
};
/// What an attempt's nodes.json calls lost; nothing where it cannot be read.
std::vector<LostNode> lost_nodes(Store& store, const std::string& nodes_json);

/// "node-0003"
std::string node_name(uint32_t index);

}  // namespace mnp::launcher
