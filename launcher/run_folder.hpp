// Which run of a store, and who holds it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "launcher/run_store.hpp"
#include "launcher/submitted.hpp"
#include "mnp/model/ownership.hpp"
#include "mnp/model/plan.hpp"
#include "mnp/model/report.hpp"

namespace mnp::launcher {

/// One run in a store.
struct RunFolder {
  std::string id;
  RunStore in;
  std::shared_ptr<Store> store;  // of `in`

  model::RunKeys keys() const { return model::RunKeys::of(id); }
  model::StageKeys stage(const std::string& name) const {
    return model::StageKeys::of(keys(), name);
  }
  /// What of it is on this machine: in a store that is a folder, all.
  fs::path local() const { return in.local / keys().run; }
  /// For people.
  std::string place() const { return store->url(keys().run); }
  /// " --store STORE" where `mnp` would look for the run in another store; else nothing.
  std::string store_words() const;
  Result<model::Plan> plan() const;
  /// No submissions where there is no submitted.json yet.
  Result<Submitted> submitted() const;
};

RunFolder run_folder(const RunStore& store, const std::string& id);

/// `name` is a run's id, a pipeline's name (its newest run) or the start of exactly one id; empty:
/// the newest run.
Result<RunFolder> find_run(const RunStore& store, const std::string& name);
/// The same for what cannot be undone: a run's id, or the start of exactly one.
Result<RunFolder> find_one_run(const RunStore& store, const std::string& name);
/// All runs of a store that have a plan, newest first.
Result<std::vector<RunFolder>> all_runs(const RunStore& store);

/// What the file that `mnp run` holds locked says about it.
struct RunHolder {
  int64_t pid = 0;
  std::string host;
};
/// Who runs it now; nullopt: nobody.
Result<std::optional<RunHolder>> holder_of(const RunFolder& run);

/// Nobody else runs it while the lock is held; kExists names who does already.
Result<FileLock> lock_run(const RunFolder& run);
/// The same, and the lock's file names this process.
Result<FileLock> hold_run(const RunFolder& run);

/// Names of keepers' lock files that are still held: something of these nodes may run.
Result<std::vector<std::string>> held_node_locks(const RunFolder& run);
/// What the stage's main node has said last; nullopt: nothing that can be read.
std::optional<model::Progress> read_progress(const RunFolder& run, const std::string& stage);
/// kExists while nodes run it that no `mnp` of this machine has started (a raw container; in S3, on
/// another machine): nobody here can stop them, nor may take the run over. kTwice, for who would
/// change the run: where one in S3 seems silent, looks again after 3 s, for clocks may differ.
enum class Look { kOnce, kTwice };
Status refuse_foreign(const RunFolder& run, Look look = Look::kOnce);

/// All of it, the plan last: until then it is listed, and can be removed again.
Status remove_run(const RunFolder& run);

std::string host_name();

}  // namespace mnp::launcher
