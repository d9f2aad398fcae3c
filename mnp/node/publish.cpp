#include "mnp/node/publish.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "mnp/core/glob.hpp"
#include "mnp/core/log.hpp"
#include "mnp/core/text.hpp"
#include "mnp/node/publish_names.hpp"

namespace mnp::node {
namespace {

constexpr size_t kBlock = size_t{1} << 20;             // bytes read at once
constexpr auto kWriteLimit = std::chrono::minutes(5);  // for one block

struct Staged {
  model::ResultFile file;
  fs::path source;     // in the command's folder
  fs::path at;         // now: beside the results under a number, then at `place`
  fs::path place;      // where it belongs
  bool moved = false;  // `source` is not there any more
};

tl::unexpected<Error> store_errno(const std::string& what) {
  return fail(Code::kStore, fail_errno(what).value().text);
}
/// A failure on the command's side: it will not be better the next time.
tl::unexpected<Error> source_errno(const std::string& what) {
  return fail(Code::kIo, fail_errno(what).value().text);
}

/// Reads to the end; copies to `to` unless that is -1. The CRC-32C.
Result<uint32_t> read_through(const Fd& from, const std::string& name, int to) {
  static thread_local std::string block(kBlock, '\0');
  uint32_t crc = 0;
  for (;;) {
    const ssize_t n = ::read(from.get(), block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return source_errno("read " + name);
    if (n == 0) return crc;
    const std::string_view bytes(block.data(), static_cast<size_t>(n));
    crc = crc32c(bytes, crc);
    if (to < 0) continue;
    if (auto written = write_all(to, bytes, Clock::now() + kWriteLimit); !written)
      return fail(Code::kStore, "copy " + name + ": " + written.error().text);
  }
}

/// A regular file for reading; links are followed here. Never waits for a pipe's other end.
Result<Fd> open_file(const fs::path& path, struct stat& info) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd || ::fstat(fd.get(), &info) != 0) return source_errno("open " + path.string());
  if (!S_ISREG(info.st_mode)) return fail(Code::kIo, path.string() + ": not a file");
  return fd;
}

/// Symbolic links bring what they point to, other file systems a copy.
Status copy_file(Staged& staged, const std::string& name) {
  struct stat info {};
  MNP_TRY(const Fd from, open_file(staged.source, info));
  Fd to(::open(staged.at.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!to) return store_errno("create " + staged.at.string());
  auto crc = read_through(from, name, to.get());
  if (crc && ::fchmod(to.get(), 0444 | (info.st_mode & 0111)) != 0)
    crc = store_errno("chmod " + staged.at.string());
  staged.file.bytes = static_cast<uint64_t>(::lseek(to.get(), 0, SEEK_END));
  // NFS writes now, while the source is here still: a server that is full says so.
  if (::close(to.release()) != 0 && crc) crc = store_errno("close " + staged.at.string());
  if (!crc) {
    ::unlink(staged.at.c_str());
    return fail(crc.error());
  }
  staged.file.crc32c = *crc;
  return {};
}

Status note_moved(Staged& staged, const std::string& name) {
  struct stat info {};
  if (::stat(staged.at.c_str(), &info) != 0 ||
      ::chmod(staged.at.c_str(), 0444 | (info.st_mode & 0111)) != 0)
    return store_errno("chmod " + staged.at.string());
  MNP_TRY(const Fd fd, open_file(staged.at, info));
  MNP_TRY(staged.file.crc32c, read_through(fd, name, -1));
  staged.file.bytes = static_cast<uint64_t>(info.st_size);
  return {};
}

/// Publishing one start, all or nothing.
class Publication {
 public:
  Publication(const PublishTarget& target, const fs::path& from, Origin who)
      : target_(target), from_(from), who_(who) {}
  Status stage(const std::string& path);
  Status publish();
  /// Everything back to where it was. kIo: something could not be brought back.
  Status undo();
  std::vector<model::ResultFile> files() const;

 private:
  Status choose_wanted(PublishedNames& names);
  Status check_place(const Staged& staged) const;
  Status place(Staged& staged);
  Status bring_back(const Staged& staged, PublishedNames* names) const;

  const PublishTarget& target_;
  const fs::path& from_;
  const Origin who_;
  std::vector<Staged> staged_;
  std::vector<Staged*> wanted_;  // without what a higher start has published
};

/// Brings one file near its place.
Status Publication::stage(const std::string& path) {
  static std::atomic<uint64_t> counter{0};
  Staged staged;
  staged.file.path = path;
  staged.file.partial = target_.reduce && glob_match(target_.reduce->match, path);
  if (!staged.file.partial) MNP_CHECK(check_name(path, who_));
  const fs::path& base = staged.file.partial ? target_.partials : target_.results;
  const fs::path folder = incoming_folder(base) / target_.holder();
  staged.source = from_ / path;
  staged.at = folder / fmt::format("{}-{}-{}", who_.command.value(), who_.start, ++counter);
  staged.place = staged.file.partial
                     ? base / fmt::format("{}-{}", who_.command.value(), who_.start) / path
                     : base / path;
  if (auto made = make_folders(folder); !made) return fail(Code::kStore, made.error().text);
  struct stat info {};
  if (::lstat(staged.source.c_str(), &info) != 0) return source_errno(staged.source.string());
  if (!S_ISLNK(info.st_mode)) {
    staged.moved = ::rename(staged.source.c_str(), staged.at.c_str()) == 0;
    if (!staged.moved && errno != EXDEV) return store_errno("move " + staged.source.string());
  }
  if (!staged.moved) MNP_CHECK(copy_file(staged, path));
  staged_.push_back(std::move(staged));
  return staged_.back().moved ? note_moved(staged_.back(), path) : Status();
}

/// All rows are checked before the first file takes its place.
Status Publication::choose_wanted(PublishedNames& names) {
  for (Staged& staged : staged_) {
    bool ours = true;
    if (!staged.file.partial) {
      MNP_TRY(ours, names.may_publish(staged.file.path, who_));
    }
    if (ours) wanted_.push_back(&staged);
  }
  return {};
}

/// No other try, and no other node, can give the store's file system such a name.
Status Publication::check_place(const Staged& staged) const {
  struct stat info {};
  if (::lstat(staged.place.c_str(), &info) == 0) return {};
  if (errno != ENAMETOOLONG && errno != EILSEQ && errno != EINVAL && errno != ELOOP) return {};
  return fail(
      Code::kConfig,
      fmt::format("command {} publishes '{}', a name that {} cannot have: {}", who_.command.value(),
                  staged.file.path,
                  staged.file.partial ? target_.partials.string() : target_.results.string(),
                  std::strerror(errno)));
}

Status Publication::place(Staged& staged) {
  MNP_CHECK(check_place(staged));
  if (auto made = make_folders(staged.place.parent_path()); !made)
    return fail(Code::kStore, made.error().text);
  if (::rename(staged.at.c_str(), staged.place.c_str()) != 0)
    return store_errno("publish " + staged.place.string());
  staged.at = staged.place;
  return {};
}

Status Publication::publish() {
  if (staged_.empty()) return {};
  MNP_TRY(PublishedNames names,
          PublishedNames::lock(target_.results, target_.holder(), target_.lock_patience));
  MNP_CHECK(choose_wanted(names));
  for (Staged* staged : wanted_) {
    if (!staged->file.partial) MNP_CHECK(names.write(staged->file.path, who_));
    MNP_CHECK(place(*staged));
  }
  for (const Staged& staged : staged_)
    if (staged.at != staged.place) ::unlink(staged.at.c_str());
  return {};
}

/// From where it is: its place, if this start has it still; the folder of incoming files, which has
/// another name when this process was put out of the way.
Status Publication::bring_back(const Staged& staged, PublishedNames* names) const {
  if (names != nullptr && !staged.file.partial && staged.at == staged.place) {
    MNP_TRY(const auto row, names->read(staged.file.path));
    if (!row || row->owner != who_.owner || row->start != who_.start)
      return fail(Code::kIo, staged.file.path + ": a later start has replaced it");
  }
  const auto back = [&](const fs::path& from) {
    return (staged.moved ? ::rename(from.c_str(), staged.source.c_str())
                         : ::unlink(from.c_str())) == 0;
  };
  if (back(staged.at)) return {};
  const Error error = fail_errno("bring back " + staged.source.string()).value();
  for (const fs::path& folder : fenced_folders(target_.results, target_.holder()))
    if (back(folder / staged.at.filename())) return {};
  return fail(Code::kIo, error.text);
}

Status Publication::undo() {
  std::optional<PublishedNames> names;  // needed where something has its place already
  for (const Staged& staged : staged_)
    if (staged.at == staged.place && !staged.file.partial && !names) {
      auto locked = PublishedNames::lock(target_.results, target_.holder(), target_.lock_patience);
      if (!locked) return fail(Code::kIo, locked.error().text);
      names.emplace(std::move(*locked));
    }
  Status done;
  for (const Staged& staged : staged_) {
    auto back = bring_back(staged, names ? &*names : nullptr);
    if (back) continue;
    log::error("{}", back.error().text);
    if (staged.moved) done = fail(Code::kIo, back.error().text);
  }
  return done;
}

std::vector<model::ResultFile> Publication::files() const {
  std::vector<model::ResultFile> files;
  for (const Staged& staged : staged_) files.push_back(staged.file);
  return files;
}

}  // namespace

std::string PublishTarget::holder() const {
  return fmt::format("{}-{}-{}", owner.value(), partials.filename().string(), ::getpid());
}

Result<std::vector<model::ResultFile>> publish_results(const PublishTarget& target,
                                                       const Publishing& start) {
  const auto paths = files_to_publish(start.from);
  if (!paths) return fail(paths.error().within("publish results"));
  Publication publication(target, start.from,
                          {start.command, target.owner, start.start, start.identity});
  Status done;
  for (const std::string& path : *paths)
    if (done) done = publication.stage(path);
  if (done) done = publication.publish();
  if (done) return publication.files();
  if (auto undone = publication.undo(); !undone) done = undone;
  return fail(done.error().within("publish results"));
}

void FolderPublisher::publish(std::vector<Publishing>& starts) {
  Status store;
  if (!stage_) {
    const fs::path stage = target_.results.parent_path();  // partials are on its file system, too
    if (auto made = make_folders(stage); !made) store = fail(Code::kStore, made.error().text);
    stage_.reset(::open(stage.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (store && !stage_) store = store_errno("open " + stage.string());
  }
  for (Publishing& each : starts) {
    each.files = store ? publish_results(target_, each)
                       : Result<std::vector<model::ResultFile>>(fail(store.error()));
    if (!each.files && each.files.error().code == Code::kStore) store = fail(each.files.error());
    if (!each.files) continue;
    for (const model::ResultFile& file : *each.files)
      unsynced_.push_back(
          file.partial ? target_.partials / fmt::format("{}-{}", each.command.value(), each.start) /
                             file.path
                       : target_.results / file.path);
  }
}

Status FolderPublisher::remove(const std::vector<std::string>& paths) {
  MNP_TRY(PublishedNames names,
          PublishedNames::lock(target_.results, target_.holder(), target_.lock_patience));
  for (const std::string& path : paths) {
    MNP_TRY(const auto row, names.read(path));
    if (!row) continue;
    const fs::path file = target_.results / path;
    if (::unlink(file.c_str()) != 0 && errno != ENOENT)
      return store_errno("remove " + file.string());
    MNP_CHECK(names.remove(path));
  }
  return {};
}

/// Of the whole file system the kernel says once that something could not be written, whosever it
/// was; of a file it says so to the first who asks.
Status FolderPublisher::sync_each() const {
  for (const fs::path& file : unsynced_) {
    const Fd fd(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!fd && errno == ENOENT) continue;
    if (!fd) return store_errno("open " + file.string());
    if (::fsync(fd.get()) != 0) return source_errno("fsync " + file.string());
  }
  return {};
}

Status FolderPublisher::sync() {
  if (!stage_) return fail(Code::kStore, target_.results.string() + ": nothing was published");
  if (::syncfs(stage_.get()) != 0) {
    log::warning("{}", fail_errno("syncfs " + target_.results.string()).value().text);
    doubted_ = true;
  }
  if (doubted_) MNP_CHECK(sync_each());
  doubted_ = false;
  std::error_code error;
  if (!fs::exists(target_.results, error))
    return fail(Code::kStore, target_.results.string() + " is not there any more");
  unsynced_.clear();
  return {};
}

}  // namespace mnp::node
