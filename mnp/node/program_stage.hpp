// Main's work in a `program` stage: one SPMD program over all nodes, or a script that calls mpirun
// itself. It is command 0 of the stage: one record, one output, one folder of results.
#pragma once

#include <functional>
#include <optional>

#include "mnp/model/message.hpp"
#include "mnp/node/context.hpp"
#include "mnp/node/journal_thread.hpp"
#include "mnp/node/mpi_launch.hpp"
#include "mnp/node/roster.hpp"
#include "mnp/node/worker.hpp"

namespace mnp::node {

/// Lives in main's loop.
class ProgramStage {
 public:
  struct Callbacks {
    std::function<void(Status)> finished;  // kProgramFailed, kNodesLost
    /// It has ended by itself. Whether the loss of a node is behind that is not known yet: either
    /// `let_stand` or `may_restart` follows.
    std::function<void()> ended;
  };
  ProgramStage(const Context& context, uint64_t identity)
      : context_(context), identity_(identity) {}

  void restore(const model::Event& event);
  void begin(JournalThread& journal, const Roster& roster, Worker& worker, Callbacks callbacks);
  bool succeeded_before() const { return succeeded_; }

  /// For Epochs: starts the program, for the first time or again as a whole.
  Status launch(EpochNumber epoch, MpiHosts hosts, const fs::path& folder);
  /// A node of the epoch is lost: what the program has come to since does not count. False: the
  /// restarts are used up, and `finished` has been called.
  bool may_restart(NodeIndex lost);
  /// All nodes of the epoch have outlived the program: what it says is its own, unless something
  /// has failed under it ("" for nothing): then it has not succeeded, whatever it says.
  void let_stand(const std::string& below);

  void stored(const std::vector<model::Record>& records);
  void committed(uint64_t through);

  bool running() const { return running_; }
  /// It has ended, and neither `let_stand` nor `may_restart` has followed.
  bool doubtful() const { return doubtful_; }
  /// Of the program, counted in the run.
  uint32_t start() const { return starts_; }
  /// By itself and for good: what it has left is being stored, and it is not started again.
  bool ended() const { return ended_ && !doubtful_; }
  const std::optional<model::Record>& record() const { return record_; }

 private:
  Result<cpu::Start> start_of(EpochNumber epoch, const MpiHosts& hosts,
                              const fs::path& folder) const;
  void ended(uint32_t start, const cpu::Finished& finished);
  void keep_record();

  const Context& context_;
  const uint64_t identity_;
  const Roster* roster_ = nullptr;
  Worker* worker_ = nullptr;
  JournalThread* journal_ = nullptr;
  Callbacks callbacks_;
  uint32_t starts_ = 0;    // in the run
  uint32_t launches_ = 0;  // by this main
  uint32_t undone_ = 0;    // the start that a lost node has undone
  uint64_t ticket_ = 0;    // of the record; 0: not in the journal yet
  std::optional<model::Record> record_;
  bool succeeded_ = false, running_ = false, ended_ = false, told_ = false;
  bool doubtful_ = false;
  std::string below_;  // what has failed under the start that has ended
};

}  // namespace mnp::node
