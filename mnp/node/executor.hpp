// A node's slots: a thread each, that takes commands from one queue and runs them.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cpu/command_runner.hpp"
#include "cpu/slots.hpp"
#include "gpu/devices.hpp"
#include "mnp/model/message.hpp"
#include "mnp/model/spec.hpp"
#include "mnp/node/committer.hpp"
#include "mnp/node/results_folders.hpp"

namespace mnp::node {

struct ExecutorOptions {
  std::vector<cpu::Slot> slots;
  cpu::Environment environment;  // stage_environment, until set_environment
  model::StageSpec spec;
  NodeIndex node;
  Incarnation incarnation;
  fs::path folder;                // for $MNP_RESULTS of each slot
  std::vector<gpu::Device> gpus;  // of the node; slots name them by number
};

/// What a command's end says, put into its record.
void fill_record(model::Record& record, const cpu::Finished& finished,
                 const model::OutputRange& output);

class Executor {
 public:
  static constexpr size_t kMaxUnkept = 65536;  // starts that ran and are not kept: more wait

  /// `ran` is called from slot threads whenever main should hear of it soon.
  static Result<std::unique_ptr<Executor>> create(ExecutorOptions options,
                                                  const std::shared_ptr<cpu::Orphans>& orphans,
                                                  Committer& committer, std::function<void()> ran);
  ~Executor();

  /// Of what starts from now on.
  void set_environment(cpu::Environment environment);
  void deal(std::vector<model::Deal::Item> items);
  /// Starts that have ended since the last call.
  model::Ran take_ran();
  void kept(size_t count);

  /// No new commands; running ones get SIGTERM now and SIGKILL after `grace`. What was dealt and
  /// has not started is forgotten.
  void drain(Milliseconds grace);
  /// True once no command runs any more.
  bool wait_idle(TimePoint deadline);

 private:
  struct SlotState {
    cpu::Slot slot;
    std::unique_ptr<cpu::CommandRunner> runner;
    fs::path results;  // of the next command, made and empty; "": not made yet
    uint32_t folders = 0;
    cpu::Environment environment;  // of the command that it runs
    std::thread thread;
  };
  Executor(ExecutorOptions options, ResultsFolders folders, Committer& committer,
           std::function<void()> ran);
  void run_slot(SlotState& slot);
  bool take(SlotState& slot, model::Deal::Item& item);
  void run_command(SlotState& slot, const model::Deal::Item& item);
  cpu::Start start_of(const SlotState& slot, const model::Deal::Item& item) const;
  Status renew_results(SlotState& slot);
  void report(const model::Record& record);

  const ExecutorOptions options_;
  const ResultsFolders folders_;
  Committer& committer_;
  const std::function<void()> ran_callback_;
  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  cpu::Environment environment_;
  std::deque<model::Deal::Item> queue_;
  size_t low_water_ = 0;  // down to so many queued commands main hears of ends
  TimePoint told_at_{};   // when it last did
  std::vector<model::Ran::Item> ran_;
  size_t running_ = 0, unkept_ = 0;
  bool stopping_ = false;
  std::vector<std::unique_ptr<SlotState>> slots_;
};

}  // namespace mnp::node
