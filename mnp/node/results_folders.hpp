// Folders for $MNP_RESULTS, and whether a command has left one untouched.
#pragma once

#include "mnp/core/files.hpp"

namespace mnp::node {

/// A folder is made with a time of change that nothing else sets: as long as it has that time and
/// its mode, no entry was made in it, and one lstat(2) says so where reading the folder would cost
/// seven calls. Where the file system does not play along (tried once), the folder is read.
class ResultsFolders {
 public:
  static Result<ResultsFolders> create(fs::path root);

  /// A new, empty folder of this name below the root.
  Result<fs::path> make(const std::string& name) const;
  /// Empty and accessible as it was made: it may serve the next command too.
  bool untouched(const fs::path& folder) const;

 private:
  explicit ResultsFolders(fs::path root) : root_(std::move(root)) {}
  Status try_stamps();

  fs::path root_;
  bool stamps_ = false;
};

}  // namespace mnp::node
