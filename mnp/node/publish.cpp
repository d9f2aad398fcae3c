#include "mnp/node/publish.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <thread>
#include <tuple>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "mnp/core/glob.hpp"
#include "mnp/core/text.hpp"

namespace mnp::node {
namespace {

constexpr size_t kBlock = size_t{1} << 20;  // bytes read at once for checksums
constexpr auto kLockLimit = std::chrono::minutes(2);

struct Staged {
  model::ResultFile file;
  fs::path incoming;  // complete, beside its final place, under a hidden name
};

/// Who has published a path: a row of results/.names/.
struct NameRow {
  uint32_t command = 0;
  uint32_t owner = 0;
  uint32_t start = 0;
};

Result<uint32_t> checksum(const fs::path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path.string());
  std::string block(kBlock, '\0');
  uint32_t crc = 0;
  for (;;) {
    const ssize_t n = ::read(fd.get(), block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read " + path.string());
    if (n == 0) return crc;
    crc = crc32c({block.data(), static_cast<size_t>(n)}, crc);
  }
}

/// Brings one file beside its final place. Symbolic links bring what they point to.
Result<Staged> stage_file(const fs::path& source, const fs::path& folder, std::string path) {
  static std::atomic<uint64_t> counter{0};
  Staged staged;
  staged.incoming = folder / fmt::format(".incoming-{}-{}", ::getpid(), ++counter);
  MNP_CHECK(make_folders(folder));
  std::error_code error;
  const bool link = fs::is_symlink(source, error);
  if (link || ::rename(source.c_str(), staged.incoming.c_str()) != 0) {
    fs::copy_file(source, staged.incoming, error);
    if (error)
      return fail(Code::kStore, fmt::format("copy {} to {}: {}", source.string(),
                                            staged.incoming.string(), error.message()));
  }
  if (::chmod(staged.incoming.c_str(), 0444) != 0)
    return fail_errno("chmod " + staged.incoming.string());
  staged.file.path = std::move(path);
  staged.file.bytes = fs::file_size(staged.incoming, error);
  MNP_TRY(staged.file.crc32c, checksum(staged.incoming));
  return staged;
}

fs::path row_path(const PublishTarget& target, const std::string& path) {
  return target.results / ".names" / hex64(fnv1a(path));
}

Result<std::optional<NameRow>> read_row(const PublishTarget& target, const std::string& path) {
  auto text = read_file(row_path(target, path));
  if (!text && text.error().code == Code::kNotFound) return std::nullopt;
  if (!text) return fail(text.error());
  const auto row = nlohmann::json::parse(*text, nullptr, false);
  if (!row.is_object() || !row.contains("command") || row.value("path", "") != path)
    return fail(Code::kStore, row_path(target, path).string() + ": not a row for " + path);
  return NameRow{row.value("command", 0u), row.value("owner", 0u), row.value("start", 0u)};
}

Result<FileLock> lock_names(const PublishTarget& target) {
  MNP_CHECK(make_folders(target.results / ".names"));
  const TimePoint deadline = Clock::now() + kLockLimit;
  for (;;) {
    MNP_TRY(auto lock, FileLock::try_acquire(target.results / ".names" / ".lock"));
    if (lock) return std::move(*lock);
    if (Clock::now() > deadline)
      return fail(Code::kStore, (target.results / ".names").string() + " stays locked");
    std::this_thread::sleep_for(Milliseconds(1));
  }
}

/// True: publish; false: a higher start of the same command has published it already.
Result<bool> may_publish(const PublishTarget& target, const std::string& path, uint32_t command,
                         uint32_t start) {
  MNP_TRY(const auto row, read_row(target, path));
  if (!row) return true;
  if (row->command != command)
    return fail(Code::kConfig,
                fmt::format("commands {} and {} both publish '{}'; give them different paths, or "
                            "let `reduce` match it",
                            row->command, command, path));
  return std::tuple(target.owner.value(), start) >= std::tuple(row->owner, row->start);
}

/// All rows are checked before the first file is moved: whole or not at all.
Status publish_staged(const PublishTarget& target, const std::vector<Staged>& staged,
                      uint32_t command, uint32_t start) {
  MNP_TRY(const FileLock lock, lock_names(target));
  std::vector<const Staged*> wanted;
  for (const Staged& each : staged) {
    MNP_TRY(const bool ours, may_publish(target, each.file.path, command, start));
    if (ours) wanted.push_back(&each);
  }
  for (const Staged* each : wanted) {
    const nlohmann::json row = {{"path", each->file.path},
                                {"command", command},
                                {"owner", target.owner.value()},
                                {"start", start}};
    MNP_CHECK(replace_file(row_path(target, each->file.path), row.dump() + "\n"));
    const fs::path final = target.results / each->file.path;
    if (::rename(each->incoming.c_str(), final.c_str()) != 0)
      return fail_errno("publish " + final.string());
  }
  return {};
}

void drop_staged(const std::vector<Staged>& staged) {
  for (const Staged& each : staged) ::unlink(each.incoming.c_str());
}

Status stage_one(const PublishTarget& target, const fs::path& from, const std::string& path,
                 const std::string& partial_folder, std::vector<Staged>& staged,
                 std::vector<model::ResultFile>& files) {
  if (!target.reduce || !glob_match(target.reduce->match, path)) {
    MNP_TRY(Staged one, stage_file(from / path, (target.results / path).parent_path(), path));
    files.push_back(one.file);
    staged.push_back(std::move(one));
    return {};
  }
  const fs::path place = target.partials / partial_folder / path;
  MNP_TRY(Staged one, stage_file(from / path, place.parent_path(), path));
  if (::rename(one.incoming.c_str(), place.c_str()) != 0)
    return fail_errno("keep partial " + place.string());
  one.file.partial = true;
  files.push_back(std::move(one.file));
  return {};
}

}  // namespace

Result<std::vector<model::ResultFile>> publish_results(const PublishTarget& target,
                                                       const fs::path& from, CommandIndex command,
                                                       uint32_t start) {
  MNP_TRY(const std::vector<std::string> paths, list_files_below(from));
  std::vector<Staged> staged;
  std::vector<model::ResultFile> files;
  const std::string partial_folder = fmt::format("{}-{}", command.value(), start);
  Status done;
  for (const std::string& path : paths)
    if (done) done = stage_one(target, from, path, partial_folder, staged, files);
  if (done && !staged.empty()) done = publish_staged(target, staged, command.value(), start);
  drop_staged(staged);
  if (!done) return fail(done.error().within("publish results"));
  return files;
}

Status sync_published(const PublishTarget& target) {
  for (const fs::path& folder : {target.results, target.partials}) {
    const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) continue;  // nothing was published there
    if (::syncfs(fd.get()) != 0) return fail(Code::kStore, "syncfs " + folder.string());
    return {};  // both are on the store's file system
  }
  return {};
}

}  // namespace mnp::node
