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

/// Moves (same file system) or copies every file below `start.from`; no folder there is no file. A
/// path that another command has published is an error naming both (kConfig), and then nothing of
/// this command is published; a higher (owner, start) of the same command replaces a lower one,
/// never the other way. Files become read-only, executable ones stay so. What `reduce` matches
/// becomes a partial `<command>-<start>/<path>`. kStore: the store fails, `start.from` is as it
/// was, and the call may be made again; any other error is final. Durable only once the file system
/// is synced.
Result<std::vector<model::ResultFile>> publish_results(const PublishTarget& target,
                                                       const Publishing& start);

class FolderPublisher : public ResultsPublisher {
 public:
  explicit FolderPublisher(PublishTarget target) : target_(std::move(target)) {}
  void publish(std::vector<Publishing>& starts) override;
  Status sync() override;
  Status remove(const std::vector<std::string>& paths) override;

 private:
  Status sync_each() const;

  const PublishTarget target_;
  std::vector<fs::path> unsynced_;
  bool doubted_ = false;  // a sync has failed since the last good one: each file is to be asked
  Fd stage_;  // its folder, open since before the first file: what cannot be written is told to it
};

}  // namespace mnp::node
