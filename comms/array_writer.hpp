// Writes an .npy file in pieces; it gets its name when all is on the disk.
#pragma once

#include <string_view>

#include "comms/array_shape.hpp"
#include "mnp/core/fd.hpp"
#include "mnp/core/files.hpp"

namespace mnp::comms {

class ArrayWriter {
 public:
  /// Makes missing folders.
  static Result<ArrayWriter> create(const fs::path& target, const ArrayShape& shape);
  ArrayWriter(ArrayWriter&& other) noexcept;
  ArrayWriter& operator=(ArrayWriter&&) = delete;
  /// Removes what has not been committed.
  ~ArrayWriter();

  Status write(std::string_view bytes);
  /// Synced and renamed, replacing what is there.
  Status commit();

 private:
  ArrayWriter(fs::path target, fs::path temporary, Fd fd)
      : target_(std::move(target)), temporary_(std::move(temporary)), fd_(std::move(fd)) {}

  fs::path target_, temporary_;
  Fd fd_;
};

}  // namespace mnp::comms
