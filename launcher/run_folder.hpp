// Runs on disk: which store, which run, and who holds it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "launcher/submitted.hpp"
#include "mnp/core/store.hpp"
#include "mnp/model/ownership.hpp"
#include "mnp/model/plan.hpp"

namespace mnp::launcher {

/// Absolute folder: `option`, else MNP_STORE, else `named` (by a pipeline file), else ./mnp-runs.
/// kConfig for an URL: this build has no store but a folder.
Result<fs::path> store_folder(const std::string& option, const std::string& named = "");

/// One run in a store.
struct RunFolder {
  std::string id;
  std::shared_ptr<FolderStore> store;
  fs::path store_path;

  model::RunKeys keys() const { return model::RunKeys::of(id); }
  model::StageKeys stage(const std::string& name) const {
    return model::StageKeys::of(keys(), name);
  }
  fs::path path() const { return store_path / keys().run; }
  /// " --store DIR" where `mnp` would look for the run in another store; else nothing.
  std::string store_words() const;
  Result<model::Plan> plan() const;
  /// No submissions where there is no submitted.json yet.
  Result<Submitted> submitted() const;
};

RunFolder run_folder(const fs::path& store, const std::string& id);

/// `name` is a run's id, a pipeline's name (its newest run) or the start of exactly one id; empty:
/// the newest run.
Result<RunFolder> find_run(const fs::path& store, const std::string& name);
/// The same for what cannot be undone: a run's id, or the start of exactly one.
Result<RunFolder> find_one_run(const fs::path& store, const std::string& name);
/// All runs of a store that have a plan, newest first.
Result<std::vector<RunFolder>> all_runs(const fs::path& store);

/// What the file that `mnp run` holds locked says about it.
struct RunHolder {
  int64_t pid = 0;
  std::string host;
};
/// Who runs it now; nullopt: nobody.
Result<std::optional<RunHolder>> holder_of(const RunFolder& run);

/// Nobody runs it while the lock is held; kExists names who does already.
Result<FileLock> lock_run(const RunFolder& run);
/// The same, and says in the lock's file that this process runs it.
Result<FileLock> hold_run(const RunFolder& run);

/// Names of keepers' lock files that are still held: something of these nodes may run.
Result<std::vector<std::string>> held_node_locks(const RunFolder& run);
/// kExists while nodes run it that no `mnp` has started (a raw container): nobody here can stop
/// them, nor may take the run over.
Status refuse_foreign(const RunFolder& run);

std::string host_name();

}  // namespace mnp::launcher
