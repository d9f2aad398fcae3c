// From `ran` to `stored`: results, then output, go into the store in group commits.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cpu/output_stream.hpp"
#include "mnp/core/store.hpp"
#include "mnp/model/record.hpp"
#include "mnp/node/results_publisher.hpp"

namespace mnp::node {

/// A start that has ended; its files and output are on this node's disk and in its memory.
struct RanCommand {
  model::Record record;
  uint64_t identity = 0;  // of the command, as CommandList::identities()
  fs::path results;       // the command's $MNP_RESULTS when it left something there; else empty
};

class Committer {
 public:
  static constexpr size_t kMaxWaiting = 8192;  // starts that ran and are not stored

  struct Callbacks {
    std::function<void(std::vector<model::Record>)> stored;
    std::function<void(Error)> failed;  // the store cannot commit; nothing is stored any more
  };
  /// Callbacks run on the committer's thread. Output goes below `output_prefix`.
  Committer(std::shared_ptr<Store> store, std::string output_prefix,
            std::unique_ptr<ResultsPublisher> publisher, Milliseconds interval,
            Milliseconds patience, Callbacks callbacks);
  ~Committer();

  cpu::OutputStream& output() { return output_; }
  /// Blocks while kMaxWaiting starts wait, until the committer stops. Nothing happens once
  /// `failed` was called.
  void add(RanCommand command);
  /// Everything added so far, and its output, is stored when it returns.
  Status flush(TimePoint deadline);

 private:
  void run();
  Status commit(std::vector<RanCommand>& batch);
  Status try_commit(std::vector<RanCommand>& batch);
  Status publish(std::vector<RanCommand>& batch);
  Status write_output();

  std::shared_ptr<Store> store_;
  const std::string output_prefix_;
  const std::unique_ptr<ResultsPublisher> publisher_;
  const Milliseconds interval_, patience_;
  Callbacks callbacks_;
  cpu::OutputStream output_;
  std::optional<cpu::Segment> unwritten_;
  bool unsynced_ = false;    // something was published since the last sync
  bool bytes_lost_ = false;  // of what was published: its starts are to run again
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<RanCommand> waiting_;
  uint64_t added_ = 0, stored_ = 0;
  bool flushing_ = false, stopping_ = false;
  Status broken_;
  std::thread thread_;
};

}  // namespace mnp::node
