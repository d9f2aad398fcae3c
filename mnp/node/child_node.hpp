// A child node of a stage: joins main, runs what it is dealt, holds its lease, goes when told.
//
//   seeking -> joined (prepares) -> serving -> (draining) -> ended
//      main gone, lease over: the agent exits, and its keeper starts a new one
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "mnp/core/errands.hpp"
#include "mnp/core/loop.hpp"
#include "mnp/node/channel_client.hpp"
#include "mnp/node/context.hpp"
#include "mnp/node/control.hpp"
#include "mnp/node/daemon_host.hpp"
#include "mnp/node/keeper_link.hpp"
#include "mnp/node/worker.hpp"

namespace mnp::node {

/// Lives in the agent's loop.
class ChildNode {
 public:
  static constexpr Milliseconds kTakenIn{30000};

  /// `taken_in`: from a connection to the first beat that main acknowledges, at most.
  ChildNode(Loop& loop, Context& context, Machine machine, std::shared_ptr<cpu::Orphans> orphans,
            KeeperLink& keeper, Milliseconds taken_in = kTakenIn);
  ~ChildNode();

  Status open();
  /// Everything happens in the loop, which is stopped at the end.
  void start();
  void stop(const std::string& why);
  /// The node's exit status; nothing: the agent has to go, and another is to be started.
  std::optional<int> status() const { return status_; }

 private:
  void look_for_key();
  void take_key(const Result<std::string>& text);
  void connect();
  void connected(Result<std::unique_ptr<Channel>> channel);
  void try_again(const Error& error);
  void heard(const Frame& frame);
  void welcome(const std::string& payload);
  void prepared(const Result<uint32_t>& slots);
  void beat();
  void beat_acknowledged(const std::string& payload);
  void watch_lease();
  void lease_ended();
  void begin_epoch(const BeginEpoch& epoch);
  void rank_up();
  void spawn(const std::string& payload);
  void take_message(model::Message message);
  void note_suspect(const model::Deal& deal);
  void note_ran(const model::Ran& ran);
  void take_input(const model::CollectiveDone& done);
  void say_stored(std::vector<model::Record> records);
  void say(Control what, std::string_view payload = {});
  void drain();
  void goodbye_if_kept();
  void say_goodbye_and_leave();
  void end(const std::string& payload);
  void leave(std::optional<int> status, const std::string& why);

  Loop& loop_;
  Context& context_;
  Machine machine_;
  std::shared_ptr<cpu::Orphans> orphans_;
  KeeperLink& keeper_;
  const Milliseconds taken_in_;
  std::optional<JoinKey> key_;
  std::string address_;  // this node's own, as main reaches it
  TimePoint give_up_at_{};
  std::unique_ptr<ConnectAttempt> attempt_;
  std::unique_ptr<Channel> channel_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<DaemonHost> daemons_;
  std::vector<Loop::TimerId> timers_;
  std::optional<Loop::TimerId> rank_timer_;  // of this epoch's
  Errands errands_;                          // the removal of what was received twice
  Milliseconds lease_{0};
  const LeaseClock lease_clock_;
  std::optional<Loop::TimerId> lease_timer_;
  std::optional<LeaseTime> deadline_;  // of the lease; none before the first beat is acknowledged
  std::optional<StartId> suspect_;     // runs here, alone
  std::optional<int> status_;
  bool drains_ = false, drained_ = false, leaving_ = false, said_denied_ = false;
};

}  // namespace mnp::node
