// Files on a disk: whole-file reads, durable writes, creation exactly once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mnp/core/fd.hpp"
#include "mnp/core/result.hpp"

namespace mnp {

namespace fs = std::filesystem;

/// The whole file; kNotFound where there is none; kProtocol when larger than `limit` bytes.
Result<std::string> read_file(const fs::path& path, size_t limit = size_t{1} << 31);
/// Bytes of a regular file, links followed; kNotFound where there is none.
struct FileSum {
  uint64_t bytes = 0;
  uint32_t crc32c = 0;
};
/// Of all that the file holds.
Result<FileSum> checksum_of_file(const fs::path& path);
Result<uint64_t> size_of_file(const fs::path& path);

/// Replaces the file in one step (temporary file beside it, fsync, rename, fsync of the folder).
Status replace_file(const fs::path& path, std::string_view bytes);
/// The same, by what the file `from` holds, in blocks; kNotFound where there is none.
Status replace_by_copy(const fs::path& path, const fs::path& from);

/// Creates the file with its full content, or fails with kExists and leaves what is there
/// (temporary file, fsync, link(2), fsync of the folder). Missing folders are made. `mode` is
/// the file's permission bits.
Status create_file_once(const fs::path& path, std::string_view bytes, unsigned mode = 0644);

Status make_folders(const fs::path& path);
/// Removes a file or a whole folder; no error when it is not there. Write-protected folders
/// below it are opened first.
Status remove_tree(const fs::path& path);
/// Names of the entries, sorted. kNotFound where there is no folder.
Result<std::vector<std::string>> list_folder(const fs::path& path);
/// Regular files below the folder, as sorted relative paths; symbolic links are not followed.
Result<std::vector<std::string>> list_files_below(const fs::path& path);

/// A new empty folder `<parent>/<prefix>XXXXXX` that goes when the object goes.
class TemporaryFolder {
 public:
  static Result<TemporaryFolder> create(std::string_view prefix,
                                        const fs::path& parent = fs::temp_directory_path());
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();
  const fs::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

/// An exclusive lock on a file (flock), held until the object goes or the process ends.
/// nullopt: somebody else holds it.
class FileLock {
 public:
  static Result<std::optional<FileLock>> try_acquire(const fs::path& path);
  /// The same, but not put off by those who hold it only to look at it (is_locked).
  static Result<std::optional<FileLock>> acquire(const fs::path& path);
  const Fd& fd() const { return fd_; }

 private:
  explicit FileLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

/// Whether somebody holds the FileLock `path`; asks for no right to write.
Result<bool> is_locked(const fs::path& path);

/// Free bytes for this user on the file system that holds `path`.
Result<uint64_t> free_bytes(const fs::path& path);

}  // namespace mnp
