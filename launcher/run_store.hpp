// Where runs live, and what of them stays on this machine.
#pragma once

#include <memory>
#include <string>

#include "aws/s3_session.hpp"
#include "mnp/core/files.hpp"
#include "mnp/core/store.hpp"

namespace mnp::launcher {

struct RunStore {
  /// A folder, absolute.
  RunStore(const fs::path& folder);  // NOLINT(google-explicit-constructor)
  RunStore(std::string name_, std::shared_ptr<Store> store_, fs::path local_)
      : name(std::move(name_)), store(std::move(store_)), local(std::move(local_)) {}

  bool in_s3() const { return aws::is_s3(name); }

  std::string name;  // the folder, or s3://BUCKET/PREFIX
  std::shared_ptr<Store> store;
  /// Where the locks of runs and the logs of local nodes lie, under the names that they have in a
  /// store that is a folder: there, else below $XDG_STATE_HOME/mnp.
  fs::path local;
};

/// `option`, else MNP_STORE, else `named` (by a pipeline file), else ./mnp-runs: a folder or
/// s3://BUCKET/PREFIX. kConfig: neither, or settings of AWS that make no sense.
Result<RunStore> open_store(const std::string& option, const std::string& named = "");

/// This process's, by its environment: credentials are looked for once.
aws::S3Session& s3_session();

}  // namespace mnp::launcher
