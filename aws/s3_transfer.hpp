// Whole files and folders to and from S3, many requests at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "aws/s3.hpp"
#include "mnp/core/files.hpp"

namespace mnp::aws {

struct TransferOptions {
  size_t threads = 16;
  uint64_t part = uint64_t{8} << 20;  // bytes of one request; at least 5 MiB for uploads
  /// What is there already with the same size, and is not older, stays as it is.
  bool only_changed = false;
  /// Uploads of the same key that nobody has completed for so long are aborted, and files of
  /// downloads removed that nobody has written to.
  std::chrono::seconds orphan_age{86400};
};

/// What has been done so far; may be read while it goes on.
struct TransferProgress {
  std::atomic<uint64_t> files{0}, bytes{0}, kept{0};  // `kept`: files that were there already
};

struct Uploaded {
  uint64_t bytes = 0;
  uint32_t crc32c = 0;
};

/// Every object carries the CRC-32C of its bytes (metadata "mnp-crc32c"): a download is compared
/// with it before its file takes its name. A file is there whole or not at all, and may be executed
/// where the file that was put could be ("mnp-executable").
class S3Transfer {
 public:
  S3Transfer(S3 s3, TransferOptions options) : s3_(std::move(s3)), options_(options) {}

  /// kExists: as `put` says. Small files are sent by the calling thread.
  Result<Uploaded> upload_file(const fs::path& from, const S3Place& to,
                               const S3PutOptions& put = {});
  /// Regular files below the folder, as `to`'s key + "/" + their paths.
  Status upload_folder(const fs::path& from, const S3Place& to);
  /// kConfig: the target is there, and is no file.
  Status download_file(const S3Place& from, const fs::path& to);
  /// All objects below `from`'s key + "/". kConfig: a key that is no path below a folder.
  Status download_folder(const S3Place& from, const fs::path& to);

  const TransferProgress& progress() const { return progress_; }

 private:
  struct Upload;
  struct Download;
  class Job;

  S3 s3_;
  const TransferOptions options_;
  TransferProgress progress_;
};

}  // namespace mnp::aws
