// Publishing into a store that is a folder.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mnp/model/spec.hpp"
#include "mnp/node/results_publisher.hpp"

namespace mnp::node {

struct PublishTarget {
  fs::path results;   // <stage>/results, shared by all nodes
  fs::path partials;  // <attempt>/partials/node-0003.1, this incarnation's own
  std::optional<model::Reduce> reduce;
  OwnerNumber owner;
  Milliseconds lock_patience{10000};  // with a holder of the lock that does nothing

  /// This process's name as holder of the lock.
  std::string holder() const;
};

/// Moves (same file system) or copies every file below `from`; no folder there is no file. A path
/// that another command has published is an error naming both (kConfig), and then nothing of this
/// command is published; a higher (owner, start) of the same command replaces a lower one, never
/// the other way. Files become read-only, executable ones stay so. What `reduce` matches becomes
/// a partial `<command>-<start>/<path>`. kStore: the store fails, `from` is as it was, and the
/// call may be made again; any other error is final. Durable only after `sync_published`.
Result<std::vector<model::ResultFile>> publish_results(const PublishTarget& target,
                                                       const fs::path& from, CommandIndex command,
                                                       uint32_t start);

/// To be called after something was published: all of it is on the disk when it returns. kStore.
Status sync_published(const PublishTarget& target);

class FolderPublisher : public ResultsPublisher {
 public:
  explicit FolderPublisher(PublishTarget target) : target_(std::move(target)) {}
  void publish(std::vector<Publishing>& starts) override;
  Status sync() override { return sync_published(target_); }

 private:
  const PublishTarget target_;
};

}  // namespace mnp::node
