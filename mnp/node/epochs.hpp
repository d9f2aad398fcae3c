// MPI worlds, one after the other: each an mpirun of mnp-rank over the nodes that are ready.
//
//   none -> launching -> up -> ending -> none -> launching ...
//              |  \------------^  (a node lost, a rank gone, the deadline)
//              '-> given up (kMaxFailures launches in a row)
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mnp/core/loop.hpp"
#include "mnp/node/context.hpp"
#include "mnp/node/mpi_launch.hpp"
#include "mnp/node/roster.hpp"
#include "mnp/node/worker.hpp"

namespace mnp::node {

/// Lives in main's loop.
class Epochs {
 public:
  static constexpr int kMaxFailures = 3;  // launches in a row, without a node lost or any progress
  static constexpr Milliseconds kAdmitInterval{30000};  // between epochs that only admit nodes
  static constexpr Milliseconds kLaunchLimit{60000};    // for all ranks to find together, and
  static constexpr Milliseconds kLaunchOfANode{500};    // for each node of the epoch

  struct Callbacks {
    std::function<void(EpochNumber, const std::vector<NodeIndex>&)> begun;
    /// If set: starts what uses MPI in this epoch by itself, in place of mpirun with mnp-rank; the
    /// epoch is up with it.
    std::function<Status(EpochNumber, const MpiHosts&, const fs::path& folder)> launch;
    std::function<void()> up;
    std::function<void()> down;          // messages go nowhere until the next `up`
    std::function<void(Error)> gave_up;  // kMpi
  };
  Epochs(Loop& loop, Context& context, Roster& roster, Worker& worker, Callbacks callbacks,
         Milliseconds launch_limit = kLaunchLimit);
  ~Epochs();

  /// Begins the first epoch, or ends the one there is and begins the next.
  void renew(const std::string& why, TimePoint not_before = {});
  /// A node is ready that no epoch has yet: soon, but at most every kAdmitInterval.
  void admit();
  /// It leaves the epoch, which thereby ends, if it is in.
  void lost(NodeIndex node, TimePoint not_before = {});
  /// What the ranks were asked for does not come about although all of them are there: ends the
  /// epoch as one that its world has failed.
  void world_failed(const std::string& why) { fail_launch(why); }
  /// None begins after this one.
  void begin_no_more() { stopped_ = true; }
  /// No other epoch any more; `done` once nothing is left of the last.
  void stop(std::function<void()> done);

  /// The world has brought something about: the launches before it were no failures in a row.
  void note_progress() { failures_ = 0; }

  bool up() const { return state_ == State::kUp; }
  EpochNumber number() const { return number_; }
  bool has(NodeIndex node) const;
  /// Ranks in `nodes`' order; main is rank 0.
  const std::vector<NodeIndex>& members() const { return members_; }

  /// From the next epoch on.
  void set_launch(decltype(Callbacks::launch) launch) { callbacks_.launch = std::move(launch); }

  // What the worker hears of main's own rank, and the roster of the others.
  void rank_up(const model::RankHello& hello);
  void rank_down();
  void rank_gone(NodeIndex node, EpochNumber epoch);  // of a child
  void node_ended(NodeIndex node, EpochNumber epoch);

 private:
  enum class State { kNone, kLaunching, kUp, kEnding };
  void begin();
  Status launch();
  Status launch_ranks(const MpiHosts& hosts, const fs::path& folder);
  void begin_when_due();
  void fail_launch(const std::string& why);
  void end(std::function<void()> then);
  void ended_everywhere();
  void cancel_timer();

  Loop& loop_;
  Context& context_;
  Roster& roster_;
  Worker& worker_;
  Callbacks callbacks_;
  const Milliseconds launch_limit_;
  State state_ = State::kNone;
  EpochNumber number_{0};
  std::vector<NodeIndex> members_;
  std::set<NodeIndex> ending_on_;  // have not said that nothing is left there
  std::function<void()> then_;
  std::optional<Loop::TimerId> timer_, admit_timer_;
  TimePoint begun_at_{};
  TimePoint not_before_{};  // the next epoch; nothing of lost nodes runs any more by then
  int failures_ = 0;
  bool stopped_ = false;
  std::string words_;       // the end of what mpirun has printed and nobody has said
  bool says_more_ = false;  // of an epoch that has failed
};

}  // namespace mnp::node
