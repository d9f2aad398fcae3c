// What every node does, main or child: prepare, run what is dealt, store it, carry messages
// between the agent's loop and the node's MPI rank. One object, in the agent's loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cpu/orphans.hpp"
#include "cpu/topology.hpp"
#include "mnp/core/loop.hpp"
#include "mnp/model/message.hpp"
#include "mnp/model/rank_link.hpp"
#include "mnp/node/agent_socket.hpp"
#include "mnp/node/committer.hpp"
#include "mnp/node/context.hpp"
#include "mnp/node/daemons.hpp"
#include "mnp/node/executor.hpp"

namespace mnp::node {

class Worker {
 public:
  /// All are called in the loop.
  struct Callbacks {
    std::function<void(model::Ran)> ran;
    std::function<void(std::vector<model::Record>)> stored;
    std::function<void(Error)> failed;  // this node cannot go on
    std::function<void(const model::RankHello&)> rank_up;
    std::function<void()> rank_down;
    std::function<void(NodeIndex from, std::string bytes)> rank_message;
    std::function<void(NodeIndex)> ring;  // that node's rank should look
    std::function<void(model::CollectiveDone)> broadcast_done;
    std::function<void(model::CollectiveDone)> reduce_done;
    std::function<void(std::shared_ptr<LocalPeer>, Frame)> spawn;  // mnp-rsh of this node asks
  };
  static Result<std::unique_ptr<Worker>> create(Loop& loop, Context& context,
                                                cpu::Topology topology, uint32_t gpus,
                                                std::shared_ptr<cpu::Orphans> orphans,
                                                Callbacks callbacks);
  ~Worker();

  /// Once the plan is known: inputs, slots, `setup`; off the loop. `ready` gets the number of
  /// slots, or why this node cannot take part.
  void prepare(std::function<void(Result<uint32_t>)> ready);
  /// Starts the slots; to be called once, after prepare, when the number of nodes is known.
  Status start_slots(uint32_t nodes_joined, uint32_t node_rank);

  void deal(model::Deal deal);
  void kept(const model::Kept& kept);
  /// Stored and not yet kept: said again in every epoch.
  std::vector<model::Record> unkept() const;

  void rank_send(NodeIndex to, std::string_view bytes);
  void rank_frame(model::RankFrame type, std::string_view payload);
  void ring_rank();
  bool rank_connected() const { return rank_ != nullptr; }

  /// A daemon or mpirun of `epoch`; the environment holds what ranks and MPI need on this node.
  Status start_daemon(uint64_t id, EpochNumber epoch, cpu::Start start,
                      Daemons::Callbacks callbacks);
  void stop_daemon(uint64_t id) { daemons_.stop(id); }
  /// `done` in the loop.
  void end_epoch(EpochNumber epoch, std::function<void()> done);

  /// Ends the commands (SIGTERM, then SIGKILL after `grace`) and stores what ran; `done` in the
  /// loop, within grace plus `flush`.
  void drain(Milliseconds grace, Milliseconds flush, std::function<void(Status)> done);

 private:
  Worker(Loop& loop, Context& context, cpu::Topology topology, uint32_t gpus,
         std::shared_ptr<cpu::Orphans> orphans, Callbacks callbacks);
  Result<uint32_t> prepare_here();
  Status run_setup();
  void take_peer(std::shared_ptr<LocalPeer> peer);
  void first_frame(std::shared_ptr<LocalPeer> peer, Frame frame);
  void rank_said(Frame frame);
  void take_stored(std::vector<model::Record> records);
  std::vector<std::string> daemon_environment(EpochNumber epoch) const;

  Loop& loop_;
  Context& context_;
  const cpu::Topology topology_;
  const uint32_t gpus_;
  std::shared_ptr<cpu::Orphans> orphans_;
  Callbacks callbacks_;
  std::vector<cpu::Slot> slots_;
  std::unique_ptr<AgentSocket> socket_;
  std::map<LocalPeer*, std::shared_ptr<LocalPeer>> strangers_;  // have not said what they are
  std::shared_ptr<LocalPeer> rank_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<Executor> executor_;
  std::map<std::pair<CommandIndex, uint32_t>, model::Record> unkept_;
  Daemons daemons_;
  std::thread preparing_, draining_;
};

}  // namespace mnp::node
