// The main node of a stage: opens it, gathers its nodes, drives it to its end.
//
//   open -> joining -> running -> (reducing) -> ending -> ended
//              \---------\-------------\---------^   (an error, a signal, a newer owner)
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "mnp/core/errands.hpp"
#include "mnp/core/loop.hpp"
#include "mnp/model/report.hpp"
#include "mnp/node/command_stage.hpp"
#include "mnp/node/context.hpp"
#include "mnp/node/daemon_host.hpp"
#include "mnp/node/epochs.hpp"
#include "mnp/node/input_broadcast.hpp"
#include "mnp/node/keeper_link.hpp"
#include "mnp/node/program_stage.hpp"
#include "mnp/node/progress_file.hpp"
#include "mnp/node/reduction.hpp"
#include "mnp/node/roll_call.hpp"
#include "mnp/node/roster.hpp"
#include "mnp/node/spawn_desk.hpp"
#include "mnp/node/worker.hpp"

namespace mnp::node {

/// Lives in the agent's loop.
class MainNode {
 public:
  MainNode(Loop& loop, Context& context, Machine machine, std::shared_ptr<cpu::Orphans> orphans,
           KeeperLink& keeper);
  ~MainNode();

  /// Plan, list, ownership, earlier journals, key, listener. Blocks on the store; before the loop.
  Status open();
  /// Everything else happens in the loop, which is stopped once the stage has ended.
  void start();
  /// A signal: ends the stage in order, status 40.
  void stop(const std::string& why);
  /// The stage's exit status, once it has ended.
  int status() const { return status_; }

 private:
  enum class Phase { kJoining, kRunning, kReducing, kEnding };

  // main_node.cpp: up to the first command
  Status open_work();
  Status open_journal();
  Status open_roster();
  Status make_key(std::optional<JoinKey>& key);
  Status create_worker();
  void prepared(const Result<uint32_t>& slots);
  void learn_own_address(const std::string& child);
  void node_changed(NodeIndex node);
  void journal_joined(NodeIndex index);
  void unfit(NodeIndex node);
  void begin_if_complete();
  void join_deadline();
  void begin();
  void remove_key_if(bool needless);

  // main_running.cpp: the stage's work
  void set_timers();
  void world_up();
  void world_down();
  void inputs_ready();
  void choose_launch();
  void program_ended();
  void judge_program(uint32_t start, TimePoint until);
  void node_lost(NodeIndex node, TimePoint deal_again_at, bool orderly);
  void go_on_without(NodeIndex node, TimePoint deal_again_at);
  void node_bad(NodeIndex node, const std::string& reason);
  bool enough_alive();
  void node_said(NodeIndex node, Control what, const std::string& payload);
  void take_message(NodeIndex from, model::Message message);
  void send(NodeIndex node, const model::Message& message);
  void ring(NodeIndex node);
  void bring_share(NodeIndex node, const model::ReduceOrder& share);
  void commands_finished();
  void journal_failed(const Error& error);
  void every_beat();
  void look_for_newer_owner();
  bool is_surely_owner() const;
  void look_at_time();

  // main_ending.cpp: the end
  void end(Status outcome);
  void drain_once_program_has_ended();
  void drained_if_all();
  void write_last_words();
  bool is_complete() const;
  Status put_last_words(uint64_t kept, ResultsPublisher* tidies, TimePoint until);
  Status remove_unkept(ResultsPublisher& publisher);
  Status write_outcomes(uint64_t kept);
  void unwritten(const Error& error);
  void say_the_end();
  void ended();
  void write_nodes();
  void write_progress();
  model::Progress progress() const;

  Loop& loop_;
  Context& context_;
  Machine machine_;
  std::shared_ptr<cpu::Orphans> orphans_;
  KeeperLink& keeper_;

  std::unique_ptr<Reduction> reduction_;
  std::unique_ptr<CommandStage> commands_;  // or
  std::unique_ptr<ProgramStage> program_;
  std::unique_ptr<Errands> errands_;
  // The look for a newer owner and the sign of life wait for no other.
  std::unique_ptr<Errands> owner_errands_, progress_errands_;
  std::unique_ptr<ProgressFile> progress_file_;
  std::unique_ptr<JournalThread> journal_;
  std::unique_ptr<Roster> roster_;
  std::unique_ptr<RollCall> roll_call_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<DaemonHost> daemons_;
  std::unique_ptr<SpawnDesk> desk_;
  std::unique_ptr<Epochs> epochs_;
  std::unique_ptr<InputBroadcast> broadcast_;

  Phase phase_ = Phase::kJoining;
  std::optional<model::CommandList> program_list_;  // of one line, for reports
  model::Begun begun_;
  bool key_lies_ = false;           // in the store, for nodes that have not joined yet
  bool careful_ = false;            // an earlier main was lost
  bool starts_lost_ = false;        // that may have published, and whose records are not kept
  LeaseTime owner_seen_{};          // then this main was the newest owner of the stage
  int owner_unseen_beats_ = 0;      // in a row, while that is longer ago than a lease
  int nodes_leaving_ = 0;           // have said goodbye, which may be the stop of all
  std::set<NodeIndex> on_channel_;  // have begun to drain: answers go over the channel
  TimePoint deal_from_{};           // nothing of an earlier owner runs any more
  std::string nodes_json_;          // as last handed to the store
  TimePoint begun_at_{};
  double started_ = wall_seconds(), ended_ = 0;  // the end: once its last word is put
  std::vector<Loop::TimerId> timers_;

  Status outcome_;
  int status_ = 0;
  bool drains_ = false, main_drained_ = false, store_lost_ = false, last_words_ = false,
       words_put_ = false, said_end_ = false;
};

}  // namespace mnp::node
