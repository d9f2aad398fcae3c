// S3 as this process's environment and files say, and the stores in it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "aws/s3.hpp"
#include "aws/settings.hpp"
#include "mnp/core/store.hpp"

namespace mnp::aws {

bool is_s3(std::string_view place);

/// Asks for settings and credentials when S3 is first needed, once. From any thread.
class S3Session {
 public:
  explicit S3Session(SettingsOptions options = {}) : options_(std::move(options)) {}
  /// kConfig as of Settings.
  Result<S3> s3();
  /// "s3://bucket/prefix", or an absolute folder.
  Result<std::shared_ptr<Store>> store(const std::string& place);
  /// The object at "s3://bucket/key"; errors as of store_error.
  Result<std::string> read(const std::string& url);
  /// Calls under way end soon with kStopped, later ones at once. Safe in a signal handler.
  void cancel() { cancelled_ = true; }
  const std::atomic<bool>& cancelled() const { return cancelled_; }

 private:
  const SettingsOptions options_;
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::optional<S3> s3_;
};

}  // namespace mnp::aws
