// Sum, minimum or maximum of arrays over the files of all nodes, into one file on main.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "comms/array_writer.hpp"
#include "comms/block_merge.hpp"
#include "comms/inbox.hpp"
#include "comms/wiring.hpp"

namespace mnp::comms {

/// One reduction at a time, in the order of main's orders, whatever the order elsewhere. Along the
/// tree of World: main starts it (down), shapes are compared (up), main lets it go (down), blocks
/// are merged (up), main says how it ended (down), and each rank tells its agent: kReduceDone with
/// the same error everywhere. In memory are, on each rank, at most kMaxSending blocks under way,
/// BlockMerge::kMaxWaiting of each of two children, and three that are worked on.
class Reduce {
 public:
  static constexpr size_t kMaxSending = 2;               // blocks under way to the parent
  static constexpr size_t kMaxOrders = 65536;            // that wait
  static constexpr Milliseconds kOrderDeadline{60'000};  // from main's start to a node's own order

  explicit Reduce(const Wiring& wiring);

  /// kProtocol for an id that waits already, an unknown operation, or past kMaxOrders.
  Status order(model::ReduceOrder order);
  /// Goes on with what there is to do; true when anything was done.
  Result<bool> step(TimePoint now);
  bool active() const { return running_.has_value() || !queue_.empty(); }

 private:
  enum class Phase { kShapes, kGo, kBlocks, kCommit, kEnd };  // what is waited for or done
  struct Child {
    std::optional<ArrayShape> shape;  // of its subtree; none: nothing to contribute
    bool known = false;               // its shape has come
  };
  struct Running {
    uint64_t serial = 0, id = 0;
    model::ReduceOp op = model::ReduceOp::kSum;
    TimePoint deadline;  // for the own order
    Phase phase = Phase::kShapes;
    std::optional<LocalReduction> own;  // once the own order is there
    std::string target;
    bool checked = false;  // the own files
    std::vector<Child> children;
    std::optional<ArrayShape> shape;  // of the whole subtree
    std::optional<Error> problem;     // the first in the subtree
    std::optional<BlockMerge> merge;
    std::optional<ArrayWriter> writer;  // on main
  };

  void start_next(TimePoint now);
  void begin(uint64_t serial, uint64_t id, model::ReduceOp op, TimePoint now);
  Result<bool> step_down(TimePoint now);
  Status take_down(const std::string& bytes, TimePoint now);
  Result<bool> step_up();
  Status take_up(size_t child, const std::string& bytes);
  Result<bool> step_shapes(TimePoint now);
  bool check_own(TimePoint now);
  void shapes_known();
  void go();
  Result<bool> step_blocks();
  Status pass_on(std::string block, size_t first);
  void blocks_finished();
  bool step_commit();
  void give_up();
  void problem(const Error& error);
  void finish(const model::CollectiveDone& done);
  void send_down(const std::string& bytes, bool ring);
  void send_up(std::string bytes);

  const Wiring& wiring_;
  const bool is_main_;
  const std::vector<Rank> children_;
  std::map<uint64_t, model::ReduceOrder> orders_;
  std::deque<uint64_t> queue_;   // on main: ids that wait
  std::set<uint64_t> answered_;  // ended before the own order came
  uint64_t last_serial_ = 0;     // on main
  std::optional<Running> running_;
  std::optional<Inbox> from_parent_;
  std::deque<Inbox> from_children_;
};

}  // namespace mnp::comms
