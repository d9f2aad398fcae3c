// What every node does, main or child: prepare, run what is dealt, store it, carry messages
// between the agent's loop and the node's MPI rank. One object, in the agent's loop.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cpu/orphans.hpp"
#include "mnp/core/errands.hpp"
#include "mnp/core/loop.hpp"
#include "mnp/model/message.hpp"
#include "mnp/model/rank_link.hpp"
#include "mnp/node/agent_socket.hpp"
#include "mnp/node/committer.hpp"
#include "mnp/node/context.hpp"
#include "mnp/node/daemons.hpp"
#include "mnp/node/executor.hpp"
#include "mnp/node/machine.hpp"
#include "mnp/node/rank_watch.hpp"
#include "mnp/node/reduce_files.hpp"
#include "mnp/node/spawn.hpp"

namespace mnp::node {

constexpr Milliseconds kGrace{10000};  // from SIGTERM to SIGKILL of commands
constexpr Milliseconds kFlush{5000};   // for results and output to be stored

/// What a drain has come to.
struct Drained {
  bool idle = true;  // no command runs any more
  Status stored;     // results and output of those that ran
};

class Worker {
 public:
  /// All are called in the loop.
  struct Callbacks {
    std::function<void(model::Ran)> ran;
    std::function<void(std::vector<model::Record>)> stored;
    std::function<void(Error)> failed;  // this node cannot go on
    std::function<void(const model::RankHello&)> rank_up;
    std::function<void()> rank_down;
    std::function<void(NodeIndex from, model::Message)> rank_message;
    std::function<void(NodeIndex)> ring;  // that node's rank should look
    std::function<void(model::CollectiveDone)> broadcast_done;
    std::function<void(model::CollectiveDone)> reduce_done;
    std::function<void(std::shared_ptr<LocalPeer>, SpawnRequest)> spawn;  // an mnp-rsh here asks
  };
  static Result<std::unique_ptr<Worker>> create(Loop& loop, Context& context, Machine machine,
                                                std::shared_ptr<cpu::Orphans> orphans,
                                                Callbacks callbacks);
  ~Worker();
  /// Ends every process and thread of this node; no callback of a thread comes after it. Those who
  /// are called are destroyed next.
  void close();

  /// Once plan and owner are known: inputs, slots, `setup`; off the loop. `ready` gets the number
  /// of slots, or why this node cannot take part.
  Status prepare(std::function<void(Result<uint32_t>)> ready);
  /// For results/ and this incarnation's partials.
  std::unique_ptr<ResultsPublisher> make_publisher() const;
  /// Starts the slots; to be called once, after prepare, in the first epoch.
  Status start_slots();

  void deal(model::Deal deal);
  void kept(const model::Kept& kept);
  /// Stored and not yet kept: said again in every epoch.
  std::vector<model::Record> unkept() const;
  /// Dealt to this node and not stored yet.
  model::Held held() const;

  /// The only world whose rank is let in from now on; 0: none.
  void set_epoch(const BeginEpoch& epoch);
  const BeginEpoch& epoch() const { return epoch_; }
  bool has_rank() const { return rank_ != nullptr; }
  void rank_send(NodeIndex to, const model::Message& message);
  void rank_frame(model::RankFrame type, std::string_view payload);
  void ring_rank() { rank_frame(model::RankFrame::kBell, {}); }

  /// A process of `epoch`: mpirun on main, or the daemon that it asked for. The environment holds
  /// what MPI needs on this node.
  Status start_daemon(uint64_t id, EpochNumber epoch, cpu::Start start,
                      Daemons::Callbacks callbacks);
  void stop_daemon(uint64_t id) { daemons_->stop(id); }
  /// Ends all that is left of an epoch, its rank's connection too; `done` in the loop.
  void end_epoch(EpochNumber epoch, std::function<void()> done);
  std::vector<std::string> daemon_environment(EpochNumber epoch) const;
  /// Folders of this node's own for a daemon of MPI and its ranks. Not for mpirun: it would hand
  /// main's folders on to every node.
  std::vector<std::string> daemon_folders() const;
  /// What daemons start out from: their ranks are the program's own processes in a program stage.
  std::vector<std::string> daemon_base() const;

  /// A share of a reduction is in keys of the store. The node gets what it needs: `done` in the
  /// loop, with what went wrong; not at all once its epoch has ended.
  void bring(const model::ReduceOrder& share,
             std::function<void(const model::CollectiveDone&)> done);
  /// To the node's rank. `target`, on main: a path below results/.
  void order_reduction(model::ReduceOrder share);
  /// Main only: what its rank has written is results/`path` when `done` is called, in the loop.
  void publish_reduced(const std::string& path,
                       std::function<void(Result<model::ResultFile>)> done);

  /// Ends the commands (SIGTERM, then SIGKILL after `grace`) and stores what ran; `done` in the
  /// loop, within grace plus `flush`.
  void drain(Milliseconds grace, Milliseconds flush, std::function<void(Drained)> done);

  /// Of a drain under way: what still runs has no time left.
  void kill_commands();

  /// Runs the stage's program (command 0) as a process of `epoch`, with its output and results kept
  /// as a command's are; `ended` in the loop, before it is stored. One that end_epoch has ended
  /// (`stopped`) counts as never run.
  Status start_program(EpochNumber epoch, uint32_t start, cpu::Start how,
                       std::function<void(const cpu::Finished&)> ended);
  /// SIGTERM, then SIGKILL after `grace`; `ended` follows.
  void stop_program(Milliseconds grace) { daemons_->stop(kProgram, grace); }

 private:
  static constexpr uint64_t kProgram = 0;  // among daemons; mpirun has it in other epochs

  Worker(Loop& loop, Context& context, Machine machine, std::shared_ptr<cpu::Orphans> orphans,
         Callbacks callbacks);
  Result<uint32_t> prepare_here(const cpu::Environment& environment);
  Status run_setup(cpu::CommandRunner& runner, const cpu::Environment& environment);
  cpu::Environment command_environment() const;
  void create_committer();
  void take_peer(std::shared_ptr<LocalPeer> peer);
  void first_frame(LocalPeer* peer, const Frame& frame);
  void take_rank(const std::shared_ptr<LocalPeer>& peer, const Frame& frame);
  void rank_said(const Frame& frame);
  void take_stored(std::vector<model::Record> records);
  void drop_share(uint64_t id);
  template <class F>
  auto with_patience(F call) -> decltype(call());

  Loop& loop_;
  Context& context_;
  const Machine machine_;
  std::shared_ptr<cpu::Orphans> orphans_;
  Callbacks callbacks_;
  std::unique_ptr<cpu::CommandRunner> setup_;
  std::vector<cpu::Slot> slots_;
  std::unique_ptr<AgentSocket> socket_;
  std::map<LocalPeer*, std::shared_ptr<LocalPeer>> strangers_;  // have not said what they are
  std::shared_ptr<LocalPeer> rank_;
  std::unique_ptr<RankWatch> rank_watch_;  // while rank_ is there
  BeginEpoch epoch_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<Executor> executor_;
  std::set<StartId> held_;
  std::map<StartId, model::Record> unkept_;
  std::unique_ptr<Daemons> daemons_;
  std::atomic<bool> no_more_inputs_{false};
  std::thread preparing_, draining_;
  const ReduceFiles reduce_files_;
  std::unique_ptr<Errands> reduce_errands_;  // made for the first share
  std::map<uint64_t, std::vector<std::string>>
      shares_;  // keys of what was brought and not used yet
};

}  // namespace mnp::node
