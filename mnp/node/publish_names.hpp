// Who has published which path of a stage: rows of results/.names/, read and written under the
// lock that all nodes of the stage share.
#pragma once

#include <optional>
#include <string>

#include "mnp/core/files.hpp"
#include "mnp/core/result.hpp"
#include "mnp/node/publish_lock.hpp"
#include "mnp/node/results_publisher.hpp"

namespace mnp::node {

/// Held while it lives.
class PublishedNames {
 public:
  /// As PublishLock::acquire.
  static Result<PublishedNames> lock(const fs::path& results, const std::string& holder,
                                     Milliseconds patience);

  /// True: publish; false: a higher (owner, start) of the same command has done so. kConfig names
  /// both commands when the path is another command's, or a folder where this one needs a file or
  /// the other way round. kStore: the store fails.
  Result<bool> may_publish(const std::string& path, const Origin& who);
  /// Durable only once the file system is synced.
  Status write(const std::string& path, const Origin& who);
  /// Of a path whose file is gone. kStore.
  Status remove(const std::string& path);
  /// The start that has published the path last; nullopt: none. kStore.
  Result<std::optional<Origin>> read(const std::string& path) const;

 private:
  PublishedNames(fs::path results, fs::path incoming, PublishLock lock)
      : results_(std::move(results)), incoming_(std::move(incoming)), lock_(std::move(lock)) {}
  fs::path row_path(const std::string& path) const;
  Status check_shape(const std::string& path, const Origin& who) const;

  fs::path results_;
  fs::path incoming_;  // this holder's
  PublishLock lock_;
};

}  // namespace mnp::node
