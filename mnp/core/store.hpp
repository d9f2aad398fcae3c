// Where runs live: named immutable objects in a folder, in S3 (aws/s3_store.hpp), in memory
// (tests).
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "mnp/core/files.hpp"
#include "mnp/core/result.hpp"

namespace mnp {

/// An object's bytes as a file of this machine: the store's own, which nobody may change, or a copy
/// that goes with this.
struct StoredFile {
  fs::path path;
  std::shared_ptr<TemporaryFolder> copy;
};

/// Keys are '/'-separated paths without a leading '/', "." or "..". All calls may be made from
/// any thread. When a call returns success, what it wrote survives the loss of any node.
class Store {
 public:
  virtual ~Store() = default;
  /// Creates the object, or fails with kExists and leaves what is there. kStore: not committed.
  virtual Status put_new(const std::string& key, std::string_view bytes) = 0;
  /// Creates or replaces the object in one step.
  virtual Status put(const std::string& key, std::string_view bytes) = 0;
  /// `put` of all that a file of this machine holds, in blocks.
  /// kIo: that file cannot be read.
  virtual Status put_file(const std::string& key, const fs::path& from) = 0;
  /// `put_new` of what only this user may read.
  virtual Status put_secret(const std::string& key, std::string_view bytes) = 0;
  /// kNotFound where there is none; kStore where that could not be found out.
  virtual Result<std::string> get(const std::string& key) = 0;
  /// Errors as of `get`; kIo: a copy cannot be written.
  virtual Result<StoredFile> file(const std::string& key) = 0;
  /// When it was written, in seconds since 1970; errors as of `get`. What this user may not see is
  /// not there.
  virtual Result<double> modified(const std::string& key) = 0;
  /// Keys that start with `prefix` + "/", sorted.
  virtual Result<std::vector<std::string>> list(const std::string& prefix) = 0;
  /// Bytes of all objects there, by key; of a folder's hidden files too.
  virtual Result<std::map<std::string, uint64_t>> sizes(const std::string& prefix) = 0;
  /// What stands in those keys between `prefix` + "/" and the next "/" or the end; sorted, once
  /// each.
  virtual Result<std::vector<std::string>> names(const std::string& prefix) = 0;
  /// No error when it is not there.
  virtual Status remove(const std::string& key) = 0;
  /// All that `list` shows, and what it hides.
  virtual Status remove_below(const std::string& prefix) = 0;
  /// For people and for `MNP_RUN_URL`: where `key` is, as a path or URL.
  virtual std::string url(const std::string& key) const = 0;
  /// Each call goes over a network: many at once take hardly longer than one, and what fails may do
  /// better the next time.
  virtual bool is_remote() const { return false; }
};

/// A folder: files, made with link(2), fsynced. Hidden files (".name") are not objects.
class FolderStore : public Store {
 public:
  explicit FolderStore(fs::path root) : root_(std::move(root)) {}
  Status put_new(const std::string& key, std::string_view bytes) override;
  Status put(const std::string& key, std::string_view bytes) override;
  Status put_file(const std::string& key, const fs::path& from) override;
  Status put_secret(const std::string& key, std::string_view bytes) override;
  Result<std::string> get(const std::string& key) override;
  Result<StoredFile> file(const std::string& key) override;
  Result<double> modified(const std::string& key) override;
  Result<std::vector<std::string>> list(const std::string& prefix) override;
  Result<std::map<std::string, uint64_t>> sizes(const std::string& prefix) override;
  Result<std::vector<std::string>> names(const std::string& prefix) override;
  Status remove(const std::string& key) override;
  Status remove_below(const std::string& prefix) override;
  std::string url(const std::string& key) const override { return path(key).string(); }
  fs::path path(const std::string& key) const { return root_ / key; }

 private:
  fs::path root_;
};

/// The fake of the tests; passes the same contract tests.
class MemoryStore : public Store {
 public:
  Status put_new(const std::string& key, std::string_view bytes) override;
  Status put(const std::string& key, std::string_view bytes) override;
  Status put_file(const std::string& key, const fs::path& from) override;
  Status put_secret(const std::string& key, std::string_view bytes) override;
  Result<std::string> get(const std::string& key) override;
  Result<StoredFile> file(const std::string& key) override;
  Result<double> modified(const std::string& key) override;
  Result<std::vector<std::string>> list(const std::string& prefix) override;
  Result<std::map<std::string, uint64_t>> sizes(const std::string& prefix) override;
  Result<std::vector<std::string>> names(const std::string& prefix) override;
  Status remove(const std::string& key) override;
  Status remove_below(const std::string& prefix) override;
  std::string url(const std::string& key) const override { return "memory:" + key; }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> objects_;
};

}  // namespace mnp
