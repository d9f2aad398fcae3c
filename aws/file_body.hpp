// A part of a file as the body of a request or of a response.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "aws/http.hpp"
#include "mnp/core/fd.hpp"
#include "mnp/core/files.hpp"

namespace mnp::aws {

/// A part of a file that `fd` has open: so many bytes from `first` on. `path` is for messages.
struct FilePart {
  const Fd& fd;
  const fs::path& path;
  uint64_t first, bytes;
};

/// kIo: it cannot be read, or ends before.
Status read_part(const FilePart& part, std::span<char> into);
Status write_part(const FilePart& part, std::string_view bytes);

/// Reads the part while it is sent.
class FileSource : public BodySource {
 public:
  explicit FileSource(FilePart part) : part_(part) {}
  uint64_t size() const override { return part_.bytes; }
  bool read(uint64_t first, std::span<char> into) override;
  /// CRC-32C of what was read since the last beginning.
  uint32_t crc32c() const { return crc_; }
  /// Why no more can be read.
  const Status& status() const { return status_; }

 private:
  const FilePart part_;
  uint32_t crc_ = 0;
  Status status_;
};

/// Writes what comes into the part, in blocks and all of it once the last byte has come, and
/// refuses more than its bytes.
class FileSink : public BodySink {
 public:
  explicit FileSink(FilePart part) : part_(part) {}
  void begin() override;
  bool take(std::string_view bytes) override;
  uint64_t taken() const { return taken_; }
  /// CRC-32C of what was taken.
  uint32_t crc32c() const { return crc_; }
  /// Why no more can be taken.
  const Status& status() const { return status_; }

 private:
  const FilePart part_;
  std::string block_;  // the last bytes, not written yet
  uint64_t taken_ = 0;
  uint32_t crc_ = 0;
  Status status_;
};

/// CRC-32C of the part, read piece by piece.
Result<uint32_t> checksum_of_part(const FilePart& part);

}  // namespace mnp::aws
