// Writes an .npy file in pieces; it gets its name when all is on the disk.
#pragma once

#include <unistd.h>

#include <future>
#include <string_view>
#include <thread>

#include "comms/array_shape.hpp"
#include "mnp/core/fd.hpp"
#include "mnp/core/files.hpp"

namespace mnp::comms {

/// Of a file in the store: every error is kStore.
class ArrayWriter {
 public:
  using Sync = int (*)(int fd);

  /// Makes missing folders.
  static Result<ArrayWriter> create(const fs::path& target, const ArrayShape& shape,
                                    Sync sync = ::fsync);
  ArrayWriter(ArrayWriter&& other) noexcept;
  ArrayWriter& operator=(ArrayWriter&&) = delete;
  /// Removes what has not been committed. A sync that runs is waited for, and not followed by the
  /// renaming.
  ~ArrayWriter();

  Status write(std::string_view bytes);
  /// Once, after all writes: begins to sync and to rename, replacing what is there. On a thread of
  /// its own, since the sync of a large file may take longer than a rank may be silent.
  void begin_commit();
  /// Whether the commit is over; its error. To be asked until then.
  Result<bool> committed();

 private:
  ArrayWriter(fs::path target, fs::path temporary, Fd fd, Sync sync)
      : target_(std::move(target)),
        temporary_(std::move(temporary)),
        fd_(std::move(fd)),
        sync_(sync) {}

  fs::path target_, temporary_;
  Fd fd_;
  Sync sync_;
  std::future<Status> commit_;
  std::jthread thread_;
};

}  // namespace mnp::comms
