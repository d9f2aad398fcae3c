#include "mnp/core/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "mnp/core/text.hpp"

namespace mnp {
namespace {

constexpr auto kWriteDeadline = std::chrono::minutes(5);

/// A name in the same folder that nobody else uses: containers that share one have the same pids.
fs::path temporary_name(const fs::path& path) {
  static const uint32_t process = std::random_device{}();
  static std::atomic<uint64_t> counter{0};
  return path.parent_path() / fmt::format(".{}.tmp-{}-{:08x}-{}", path.filename().string(),
                                          ::getpid(), process, ++counter);
}

Status sync_folder(const fs::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + folder.string());
  if (::fsync(fd.get()) != 0 && errno != EINVAL) return fail_errno("fsync " + folder.string());
  return {};
}

using Fill = std::function<Status(int fd)>;

Fill holding(std::string_view bytes) {
  return [bytes](int fd) { return write_all(fd, bytes, Clock::now() + kWriteDeadline); };
}

Status write_durably(const fs::path& path, const Fill& fill, unsigned mode) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd) return fail_errno("create " + path.string());
  if (auto written = fill(fd.get()); !written) return fail(written.error().within(path.string()));
  if (::fsync(fd.get()) != 0) return fail_errno("fsync " + path.string());
  return {};
}

Status replace(const fs::path& path, const Fill& fill) {
  const fs::path temporary = temporary_name(path);
  auto done = write_durably(temporary, fill, 0644);
  if (done && ::rename(temporary.c_str(), path.c_str()) != 0)
    done = fail_errno("rename to " + path.string());
  if (!done) {
    ::unlink(temporary.c_str());
    return done;
  }
  return sync_folder(path.parent_path().empty() ? fs::path(".") : path.parent_path());
}

/// All that the file holds, a MiB at once.
Status each_block(const fs::path& path, const std::function<Status(std::string_view)>& take) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path.string());
  std::string block(size_t{1} << 20, '\0');
  for (;;) {
    const ssize_t n = ::read(fd.get(), block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read " + path.string());
    if (n == 0) return {};
    MNP_CHECK(take(std::string_view(block.data(), static_cast<size_t>(n))));
  }
}

}  // namespace

Result<std::string> read_file(const fs::path& path, size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path.string());
  auto text = read_all(fd.get(), limit);
  if (!text) return fail(text.error().within("read " + path.string()));
  return text;
}

Result<FileSum> checksum_of_file(const fs::path& path) {
  FileSum sum;
  MNP_CHECK(each_block(path, [&](std::string_view bytes) {
    sum.bytes += bytes.size();
    sum.crc32c = crc32c(bytes, sum.crc32c);
    return Status();
  }));
  return sum;
}

Result<uint64_t> size_of_file(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOTDIR) errno = ENOENT;
    return fail_errno(path.string());
  }
  if (!S_ISREG(info.st_mode)) return fail(Code::kNotFound, path.string() + ": not a file");
  return static_cast<uint64_t>(info.st_size);
}

Status replace_file(const fs::path& path, std::string_view bytes) {
  return replace(path, holding(bytes));
}

Status replace_by_copy(const fs::path& path, const fs::path& from) {
  return replace(path, [&](int fd) {
    return each_block(from, [&](std::string_view bytes) { return holding(bytes)(fd); });
  });
}

Status create_file_once(const fs::path& path, std::string_view bytes, unsigned mode) {
  const fs::path temporary = temporary_name(path);
  auto done = write_durably(temporary, holding(bytes), mode);
  if (!done && done.error().code == Code::kNotFound) {
    MNP_CHECK(make_folders(path.parent_path()));
    done = write_durably(temporary, holding(bytes), mode);
  }
  if (done && ::link(temporary.c_str(), path.c_str()) != 0)
    done = fail_errno("create " + path.string());
  ::unlink(temporary.c_str());
  if (!done) return done;
  return sync_folder(path.parent_path());
}

Status make_folders(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return fail(Code::kIo, "make folder " + path.string() + ": " + error.message());
  return {};
}

Status remove_tree(const fs::path& path) {
  std::error_code error, ignored;
  fs::remove_all(path, error);
  if (!error) return {};
  for (fs::recursive_directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    // Not directory_entry's own words: they throw, for a link to itself.
    if (fs::symlink_status(entry->path(), ignored).type() == fs::file_type::directory)
      ::chmod(entry->path().c_str(), 0700);
  }
  ::chmod(path.c_str(), 0700);
  fs::remove_all(path, error);
  if (error) return fail(Code::kIo, "remove " + path.string() + ": " + error.message());
  return {};
}

Result<std::vector<std::string>> list_folder(const fs::path& path) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error))
    names.push_back(entry->path().filename().string());
  if (error == std::errc::no_such_file_or_directory)
    return fail(Code::kNotFound, path.string() + ": no such folder");
  if (error) return fail(Code::kIo, "list " + path.string() + ": " + error.message());
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::vector<std::string>> list_files_below(const fs::path& path) {
  std::error_code error, ignored;
  std::vector<std::string> names;
  for (fs::recursive_directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error))
    if (const auto type = fs::symlink_status(entry->path(), ignored).type();
        type == fs::file_type::regular || type == fs::file_type::symlink)
      names.push_back(entry->path().lexically_relative(path).string());
  if (error == std::errc::no_such_file_or_directory)
    return fail(Code::kNotFound, path.string() + ": no such folder");
  if (error) return fail(Code::kIo, "list " + path.string() + ": " + error.message());
  std::sort(names.begin(), names.end());
  return names;
}

Result<TemporaryFolder> TemporaryFolder::create(std::string_view prefix, const fs::path& parent) {
  std::string name = (parent / prefix).string() + "XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) return fail_errno("make a folder in " + parent.string());
  return TemporaryFolder(name);
}

TemporaryFolder::~TemporaryFolder() {
  if (!path_.empty()) (void)remove_tree(path_);
}

Result<std::optional<FileLock>> FileLock::try_acquire(const fs::path& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd) return fail_errno("open " + path.string());
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return FileLock(std::move(fd));
  if (errno == EWOULDBLOCK) return std::nullopt;
  return fail_errno("lock " + path.string());
}

Result<std::optional<FileLock>> FileLock::acquire(const fs::path& path) {
  constexpr Milliseconds kPatience{2000}, kPause{20};
  const TimePoint deadline = Clock::now() + kPatience;
  for (;;) {
    auto lock = try_acquire(path);
    if (!lock || *lock || Clock::now() >= deadline) return lock;
    std::this_thread::sleep_for(kPause);
  }
}

Result<bool> is_locked(const fs::path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path.string());
  if (::flock(fd.get(), LOCK_SH | LOCK_NB) == 0) return false;
  if (errno == EWOULDBLOCK) return true;
  return fail_errno("lock " + path.string());
}

Result<uint64_t> free_bytes(const fs::path& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return fail_errno("statvfs " + path.string());
  return uint64_t{info.f_bavail} * info.f_frsize;
}

}  // namespace mnp
