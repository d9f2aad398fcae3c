// Processes of MPI worlds on this node: mpirun on main, its daemons and their ranks everywhere.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "cpu/command_runner.hpp"
#include "mnp/core/ids.hpp"

namespace mnp::node {

class Daemons {
 public:
  struct Callbacks {                                  // on the daemon's own thread
    std::function<bool(std::string_view)> output;     // as cpu::OutputSink::write; none: dropped
    std::function<void(const cpu::Finished&)> ended;  // the last call
    std::function<void()> cut = {};                   // as cpu::OutputSink::cut
  };
  explicit Daemons(std::shared_ptr<cpu::Orphans> orphans) : orphans_(std::move(orphans)) {}
  /// Ends everything that is left.
  ~Daemons();

  /// Starts a process of `epoch`, marked with MNP_EPOCH so that all its descendants are found.
  /// kDenied for an epoch that is being ended or has been, kProtocol for an id that is in use.
  Status start(uint64_t id, EpochNumber epoch, cpu::Start start, Callbacks callbacks);
  /// SIGTERM to one of them, SIGKILL after `grace`, at once without; nothing when it has ended.
  void stop(uint64_t id, Milliseconds grace = Milliseconds(0));
  /// SIGKILLs everything of the epoch; `done` is called on a thread of its own when nothing is left
  /// and `ended` has been called for each (or that took longer than kEndLimit).
  void end_epoch(EpochNumber epoch, std::function<void()> done);

 private:
  struct Daemon {
    EpochNumber epoch;
    std::unique_ptr<cpu::CommandRunner> runner;
    std::thread thread;
    bool ended = false;
  };
  struct Ender {  // of an epoch
    std::thread thread;
    bool ended = false;
  };
  void forget_ended();
  void wait_for_ended(EpochNumber epoch, TimePoint deadline);

  std::shared_ptr<cpu::Orphans> orphans_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::map<uint64_t, std::shared_ptr<Daemon>> daemons_;
  EpochNumber last_ended_;  // nothing of it or an earlier one is started any more
  std::list<Ender> enders_;
};

}  // namespace mnp::node
