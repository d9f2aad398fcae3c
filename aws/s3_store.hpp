// A store in a bucket of S3.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "aws/s3.hpp"
#include "mnp/core/store.hpp"

namespace mnp::aws {

/// What an error of S3 is to who keeps a run there: kConfig where access is denied, else kStore,
/// but for kNotFound, kExists, kConfig, kStopped, and kIo (a file of this machine).
Error store_error(const Error& error);

/// Each object carries the CRC-32C of its bytes, which `get` compares. Where the server cannot put
/// an object only if it is absent (it is tried once), `put_new` writes, waits and looks whose
/// object is there: two writers are told apart unless one of them stalls for longer than that.
class S3Store : public Store {
 public:
  /// `root`: what all keys lie below; its key may be "".
  S3Store(S3 s3, S3Place root);
  Status put_new(const std::string& key, std::string_view bytes) override;
  Status put(const std::string& key, std::string_view bytes) override;
  Status put_file(const std::string& key, const fs::path& from) override;
  /// Who may read the bucket may read this.
  Status put_secret(const std::string& key, std::string_view bytes) override;
  Result<std::string> get(const std::string& key) override;
  Result<StoredFile> file(const std::string& key) override;
  Result<double> modified(const std::string& key) override;
  Result<std::vector<std::string>> list(const std::string& prefix) override;
  Result<std::map<std::string, uint64_t>> sizes(const std::string& prefix) override;
  Result<std::vector<std::string>> names(const std::string& prefix) override;
  /// Every version, where the bucket keeps them.
  Status remove(const std::string& key) override;
  /// Uploads that nobody has completed, too.
  Status remove_below(const std::string& prefix) override;
  std::string url(const std::string& key) const override { return at(key).text(); }
  bool is_remote() const override { return true; }

  S3& s3() { return s3_; }
  S3Place at(const std::string& key) const;

  static constexpr Milliseconds kSettle{1000};
  /// For tests: in place of waiting.
  std::function<void(Milliseconds)> sleep;

  /// Tried once.
  Result<bool> can_put_if_absent();

 private:
  /// Every object below, under its key in this store.
  Status each_below(const std::string& prefix, const std::function<void(S3Listed)>& each);
  Status put_conditionally(const S3Place& place, std::string_view bytes, const std::string& nonce);
  Status put_and_look(const S3Place& place, std::string_view bytes, const std::string& nonce);
  using Versions = std::map<std::string, std::vector<std::string>>;  // by key
  std::optional<Versions> versions(const S3Place& prefix);
  Status abort_uploads(const S3Place& prefix);
  Status remove_object(const S3Place& place, const std::vector<std::string>& versions);
  Result<bool> is_ours(const S3Place& place, const std::string& nonce);

  S3 s3_;
  S3Place root_;
  std::mutex mutex_;
  std::optional<bool> conditional_;  // what the probe has found
  std::atomic<bool> denied_{false};  // to remove versions
};

}  // namespace mnp::aws
