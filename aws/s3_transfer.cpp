#include "aws/s3_transfer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <map>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include "aws/crew.hpp"
#include "aws/file_body.hpp"
#include "mnp/core/clock.hpp"
#include "mnp/core/fd.hpp"
#include "mnp/core/log.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

constexpr uint64_t kMaxParts = 10000;             // S3's own limit
constexpr uint64_t kMinPart = uint64_t{5} << 20;  // S3's own limit, but for the last
constexpr const char* kPartial = ".mnp-part";     // a file while it arrives
constexpr const char* kExecutable = "mnp-executable";

Status plain(const ApiError& error) {
  return fail(static_cast<const Error&>(error));
}

/// Parts of equal size, and a rest.
struct Cut {
  uint64_t bytes, part;
  uint64_t count() const { return std::max<uint64_t>(1, (bytes + part - 1) / part); }
  uint64_t first(uint64_t index) const { return index * part; }
  uint64_t size(uint64_t index) const { return std::min(part, bytes - first(index)); }
};

/// The checksums of all parts, in the order in which they become known.
class PartChecksums {
 public:
  explicit PartChecksums(Cut cut) : cut_(cut), of_(cut.count()), left_(cut.count()) {}
  /// True for the last one.
  bool add(uint64_t part, uint32_t crc) {
    of_[part] = crc;
    return --left_ == 0;
  }
  uint32_t of(uint64_t part) const { return of_[part]; }
  uint32_t joined() const {
    uint32_t crc = 0;
    for (uint64_t i = 0; i < of_.size(); ++i) crc = crc32c_join(crc, of_[i], cut_.size(i));
    return crc;
  }

 private:
  Cut cut_;
  std::vector<uint32_t> of_;
  uint64_t left_;
};

/// Not more parts than S3 takes.
Cut cut(uint64_t bytes, uint64_t part) {
  return {bytes, std::max(part, (bytes + kMaxParts - 1) / kMaxParts)};
}

/// Whether `path` has this size, and is not older.
bool is_current(const fs::path& path, uint64_t bytes, double modified) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         static_cast<uint64_t>(info.st_size) == bytes &&
         static_cast<double>(info.st_mtim.tv_sec) >= std::floor(modified);
}

/// Whether the object has the file's size, and is not older. Its time is in whole seconds: a file
/// of the same second may have been written after it.
bool is_current(const S3Listed& object, const fs::path& from) {
  struct stat info {};
  return ::stat(from.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         static_cast<uint64_t>(info.st_size) == object.bytes &&
         object.modified >= static_cast<double>(info.st_mtim.tv_sec) +
                                static_cast<double>(info.st_mtim.tv_nsec) / 1e9;
}

/// Each download's own: several of one target may be under way.
fs::path partial_of(const fs::path& to) {
  return to.parent_path() /
         ("." + hex64(fnv1a(to.filename().string())) + "." + random_nonce() + kPartial);
}

/// Those that processes have left that were killed.
void remove_old_partials(const fs::path& folder, std::chrono::seconds age) {
  const double latest = wall_seconds() - static_cast<double>(age.count());
  std::error_code error;
  for (fs::directory_iterator entry(folder.empty() ? "." : folder, error), end;
       !error && entry != end; entry.increment(error)) {
    const fs::path& path = entry->path();
    struct stat info {};
    if (path.extension() == kPartial && path.filename().string().front() == '.' &&
        ::lstat(path.c_str(), &info) == 0 && static_cast<double>(info.st_mtim.tv_sec) < latest)
      ::unlink(path.c_str());
  }
}

/// A device or a folder is not replaced by a file.
Status check_target(const fs::path& to) {
  struct stat info {};
  if (::stat(to.c_str(), &info) != 0 || S_ISREG(info.st_mode)) return {};
  return fail(Code::kConfig, to.string() + " is there, and is no file");
}

/// A key as a path below a folder; kConfig where it would lead out of it, or is none.
Result<fs::path> path_of(const std::string& key, const S3Place& of) {
  bool good = !key.empty() && key.find('\0') == std::string::npos;
  for (const std::string& part : split(key, '/'))
    good = good && !part.empty() && part != "." && part != ".." && part.size() < 256;
  if (!good)
    return fail(Code::kConfig, fmt::format("{}: '{}' cannot be the name of a file below a folder",
                                           of.text(), key));
  return fs::path(key);
}

}  // namespace

/// One upload or download under way: its threads, and what it counts.
class S3Transfer::Job {
 public:
  explicit Job(S3Transfer& transfer)
      : s3(transfer.s3_),
        options(transfer.options_),
        progress(transfer.progress_),
        crew(transfer.options_.threads) {}
  void add_upload(const fs::path& from, const S3Place& to);
  /// `done`, where it is wanted, is there once the crew has finished.
  Status upload(const fs::path& from, const S3Place& to, S3PutOptions put, Uploaded* done);
  void add_download(const S3Place& from, const S3Listed& what, const fs::path& to);

  S3 s3;
  const TransferOptions options;
  TransferProgress& progress;
  Crew crew;

 private:
  Status upload_parts(const std::shared_ptr<Upload>& upload);
  Status begin(const std::shared_ptr<Upload>& upload);
  void abort_orphans(const S3Place& place);
  Status complete(Upload& upload);
  bool is_there(const Upload& upload);
  Status download(const S3Place& from, const S3Listed& what, const fs::path& to);
  Status download_whole(const S3Place& from, const S3Listed& what, const fs::path& to);
  Status finish(Download& download);

  std::set<fs::path> looked_into_;  // folders, for what others have left
};

// ---- up

struct S3Transfer::Upload {
  Upload(S3& s3_, fs::path from_, S3Place to_, Fd fd_, Cut cut_, S3PutOptions put_,
         Uploaded* uploaded_)
      : s3(s3_),
        from(std::move(from_)),
        to(std::move(to_)),
        fd(std::move(fd_)),
        cut(cut_),
        put(std::move(put_)),
        uploaded(uploaded_),
        checksums(cut_) {}
  ~Upload() {
    if (id.empty() || done) return;
    if (auto aborted = s3.abort_upload(to, id); !aborted)
      log::warning("an unfinished upload is left: {}", aborted.error().text);
  }
  FilePart part(uint64_t index) const { return {fd, from, cut.first(index), cut.size(index)}; }
  S3& s3;
  const fs::path from;
  const S3Place to;
  const Fd fd;
  const Cut cut;
  S3PutOptions put;
  Uploaded* const uploaded;
  std::string id;
  std::mutex mutex;  // of what follows
  PartChecksums checksums;
  std::vector<S3Part> parts;
  bool done = false;
};

Status S3Transfer::Job::upload(const fs::path& from, const S3Place& to, S3PutOptions put,
                               Uploaded* done) {
  Fd fd(::open(from.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0)
    return fail(Code::kIo, fail_errno("open " + from.string()).value().text);
  if (!S_ISREG(info.st_mode)) return fail(Code::kConfig, from.string() + " is no file");
  if ((info.st_mode & S_IXUSR) != 0) put.metadata.emplace_back(kExecutable, "yes");
  const auto bytes = static_cast<uint64_t>(info.st_size);
  if (bytes > options.part)
    return upload_parts(std::make_shared<Upload>(s3, from, to, std::move(fd),
                                                 cut(bytes, std::max(options.part, kMinPart)),
                                                 std::move(put), done));
  std::string text(bytes, '\0');
  MNP_CHECK(read_part({fd, from, 0, bytes}, text));
  const uint32_t crc = crc32c(text);
  if (done != nullptr) *done = {bytes, crc};
  for (auto& each : checksum_metadata(crc)) put.metadata.push_back(std::move(each));
  if (const auto sent = s3.put(to, text, put); !sent) return plain(sent.error());
  progress.bytes += bytes;
  ++progress.files;
  return {};
}

/// The checksum must be known before the first part is sent: all is read once for it.
Status S3Transfer::Job::upload_parts(const std::shared_ptr<Upload>& upload) {
  for (uint64_t i = upload->cut.count(); i-- > 0;)
    crew.add_from_task([this, upload, i]() -> Status {
      if (s3.cancelled()) return fail(Code::kStopped, "cancelled");
      MNP_TRY(const uint32_t crc, checksum_of_part(upload->part(i)));
      const std::scoped_lock lock(upload->mutex);
      return upload->checksums.add(i, crc) ? begin(upload) : Status();
    });
  return {};
}

/// Those of the same key that a process has left that was killed.
void S3Transfer::Job::abort_orphans(const S3Place& place) {
  const auto old = s3.uploads(place);
  static std::atomic<bool> said{false};
  if (!old && old.error().code == Code::kDenied && !said.exchange(true))
    log::warning("unfinished uploads may be left, s3:ListBucketMultipartUploads is needed: {}",
                 old.error().text);
  if (!old) return;
  const double latest = wall_seconds() - static_cast<double>(options.orphan_age.count());
  for (const S3Upload& one : *old)
    if (one.key == place.key && one.begun < latest)
      if (auto aborted = s3.abort_upload(place, one.id); !aborted)
        log::warning("{}", aborted.error().text);
}

Status S3Transfer::Job::begin(const std::shared_ptr<Upload>& upload) {
  const uint32_t crc = upload->checksums.joined();
  if (upload->uploaded != nullptr) *upload->uploaded = {upload->cut.bytes, crc};
  for (auto& each : checksum_metadata(crc)) upload->put.metadata.push_back(std::move(each));
  upload->put.metadata.emplace_back(kNonce, random_nonce());
  abort_orphans(upload->to);
  auto id = s3.begin_upload(upload->to, upload->put.metadata);
  if (!id) return plain(id.error());
  upload->id = *id;
  for (uint64_t i = upload->cut.count(); i-- > 0;)
    crew.add_from_task([this, upload, i]() -> Status {
      FileSource bytes(upload->part(i));
      auto part = s3.upload_part(upload->to, upload->id, static_cast<int>(i + 1), bytes);
      MNP_CHECK(bytes.status());
      if (!part) return plain(part.error());
      if (bytes.crc32c() != upload->checksums.of(i))  // all are known by now
        return fail(Code::kIo, upload->from.string() + " was changed while it was read");
      progress.bytes += bytes.size();
      const std::scoped_lock lock(upload->mutex);
      upload->parts.push_back(std::move(*part));
      return upload->parts.size() == upload->cut.count() ? complete(*upload) : Status();
    });
  return {};
}

/// Also after an error: its answer was lost, and the next try finds no upload, or the object.
bool S3Transfer::Job::is_there(const Upload& upload) {
  const auto info = s3.head(upload.to);
  return info && header(info->metadata, kNonce) == header(upload.put.metadata, kNonce);
}

Status S3Transfer::Job::complete(Upload& upload) {
  if (upload.put.only_if_absent || !upload.put.only_if_etag.empty()) {
    // Not every server that takes a condition takes one here: then this look has to do.
    const auto there = s3.head(upload.to);
    if (!there && there.error().code != Code::kNotFound) return plain(there.error());
    if ((there ? there->etag : "") != upload.put.only_if_etag)
      return fail(Code::kExists, upload.to.text() + " was put by another meanwhile");
  }
  std::sort(upload.parts.begin(), upload.parts.end(),
            [](const S3Part& a, const S3Part& b) { return a.number < b.number; });
  const auto completed = s3.complete_upload(upload.to, upload.id, upload.parts, upload.put);
  if (!completed && !is_there(upload)) return plain(completed.error());
  upload.done = true;
  ++progress.files;
  return {};
}

void S3Transfer::Job::add_upload(const fs::path& from, const S3Place& to) {
  crew.add([this, from, to] { return upload(from, to, {}, nullptr); });
}

Result<Uploaded> S3Transfer::upload_file(const fs::path& from, const S3Place& to,
                                         const S3PutOptions& put) {
  if (options_.only_changed)
    if (const auto old = s3_.head(to);
        old && is_current(S3Listed{to.key, old->bytes, old->etag, old->modified}, from)) {
      ++progress_.kept;
      return Uploaded{old->bytes, checksum_of(*old)};
    }
  Job job(*this);
  Uploaded uploaded;
  MNP_CHECK(job.upload(from, to, put, &uploaded));
  MNP_CHECK(job.crew.finish());
  return uploaded;
}

Status S3Transfer::upload_folder(const fs::path& from, const S3Place& to) {
  MNP_TRY(const auto paths, list_files_below(from));
  const std::string prefix = to.key.empty() ? "" : to.key + "/";
  std::map<std::string, S3Listed> there;
  if (options_.only_changed)
    if (const auto listed =
            s3_.list_all({to.bucket, prefix}, [&](S3Listed one) { there.emplace(one.key, one); });
        !listed)
      return plain(listed.error());
  Job job(*this);
  for (const std::string& path : paths) {
    if (job.crew.failed()) break;
    std::error_code error;
    if (!fs::is_regular_file(from / path, error)) {  // links are listed, too
      log::warning("{} is left out: it is no file, and leads to none", (from / path).string());
      continue;
    }
    const S3Place place{to.bucket, prefix + path};
    const auto old = there.find(place.key);
    if (old != there.end() && is_current(old->second, from / path)) {
      ++progress_.kept;
      continue;
    }
    job.add_upload(from / path, place);
  }
  return job.crew.finish();
}

// ---- down

struct S3Transfer::Download {
  Download(S3Place from_, fs::path to_, S3Info info_, Cut cut_, double modified_)
      : from(std::move(from_)),
        to(std::move(to_)),
        partial(partial_of(to)),
        info(std::move(info_)),
        cut(cut_),
        modified(modified_),
        checksums(cut_) {}
  ~Download() {
    if (!done) ::unlink(partial.c_str());
  }
  const S3Place from;
  const fs::path to, partial;
  const S3Info info;
  const Cut cut;
  const double modified;
  Fd fd;
  std::mutex mutex;  // of what follows
  PartChecksums checksums;
  bool done = false;
};

namespace {

Result<Fd> create_partial(const fs::path& partial) {
  if (partial.has_parent_path()) MNP_CHECK(make_folders(partial.parent_path()));
  Fd fd(::open(partial.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!fd) return fail_errno("create " + partial.string());
  return fd;
}

Status take_name(const Fd& fd, const fs::path& partial, const fs::path& to, const S3Info& info,
                 double modified) {
  constexpr mode_t kExecutableMode = 0755;
  if (!header(info.metadata, kExecutable).empty() && ::fchmod(fd.get(), kExecutableMode) != 0)
    return fail_errno("chmod " + partial.string());
  if (modified > 0) {
    timespec times[2] = {{0, UTIME_OMIT}, {static_cast<time_t>(modified), 0}};
    (void)::futimens(fd.get(), times);
  }
  if (::rename(partial.c_str(), to.c_str()) != 0) return fail_errno("rename " + partial.string());
  return {};
}

}  // namespace

Status S3Transfer::Job::download(const S3Place& from, const S3Listed& what, const fs::path& to) {
  MNP_CHECK(check_target(to));
  if (what.bytes <= options.part) return download_whole(from, what, to);
  auto info = s3.head(from);
  if (!info) return plain(info.error());
  const Cut parts = cut(info->bytes, options.part);
  auto download = std::make_shared<Download>(from, to, std::move(*info), parts, what.modified);
  MNP_TRY(download->fd, create_partial(download->partial));
  for (uint64_t i = download->cut.count(); i-- > 0;)
    crew.add_from_task([this, download, i]() -> Status {
      const S3Range range{download->cut.first(i), download->cut.size(i)};
      FileSink sink({download->fd, download->partial, range.first, range.bytes});
      const auto got = s3.get_into(sink, download->from, range, download->info.etag);
      MNP_CHECK(sink.status());
      if (!got) return plain(got.error());
      if (sink.taken() != range.bytes)
        return fail(Code::kProtocol,
                    fmt::format("{}: {} of {} bytes came from {} on", download->from.text(),
                                sink.taken(), range.bytes, range.first));
      progress.bytes += range.bytes;
      const std::scoped_lock lock(download->mutex);
      return download->checksums.add(i, sink.crc32c()) ? finish(*download) : Status();
    });
  return {};
}

Status S3Transfer::Job::finish(Download& download) {
  MNP_CHECK(compare_checksum(download.from, download.info, download.checksums.joined()));
  MNP_CHECK(
      take_name(download.fd, download.partial, download.to, download.info, download.modified));
  download.done = true;
  ++progress.files;
  return {};
}

Status S3Transfer::Job::download_whole(const S3Place& from, const S3Listed& what,
                                       const fs::path& to) {
  const auto object = s3.get(from);
  if (!object) return plain(object.error());
  MNP_CHECK(compare_checksum(from, object->info, crc32c(object->bytes)));
  const fs::path partial = partial_of(to);
  MNP_TRY(const Fd fd, create_partial(partial));
  Status done = write_part({fd, partial, 0, object->bytes.size()}, object->bytes);
  if (done) done = take_name(fd, partial, to, object->info, what.modified);
  if (!done) {
    ::unlink(partial.c_str());
    return done;
  }
  progress.bytes += object->bytes.size();
  ++progress.files;
  return {};
}

void S3Transfer::Job::add_download(const S3Place& from, const S3Listed& what, const fs::path& to) {
  if (options.only_changed && is_current(to, what.bytes, what.modified)) {
    ++progress.kept;
    return;
  }
  if (looked_into_.insert(to.parent_path()).second)
    remove_old_partials(to.parent_path(), options.orphan_age);
  crew.add([this, from, what, to] { return download(from, what, to); });
}

Status S3Transfer::download_file(const S3Place& from, const fs::path& to) {
  const auto info = s3_.head(from);
  if (!info) return plain(info.error());
  Job job(*this);
  job.add_download(from, {from.key, info->bytes, info->etag, info->modified}, to);
  return job.crew.finish();
}

Status S3Transfer::download_folder(const S3Place& from, const fs::path& to) {
  const std::string prefix = from.key.empty() ? "" : from.key + "/";
  Job job(*this);
  Status wrong;
  const auto listed = s3_.list_all({from.bucket, prefix}, [&](const S3Listed& one) {
    if (!wrong || job.crew.failed()) return;
    const std::string below = one.key.substr(prefix.size());
    if (below.empty() || below.back() == '/') return;  // stands for a folder
    auto path = path_of(below, from);
    if (!path) {
      wrong = fail(path.error());
      return;
    }
    job.add_download({from.bucket, one.key}, one, to / *path);
  });
  if (!wrong) return wrong;
  if (!listed) return plain(listed.error());
  return job.crew.finish();
}

}  // namespace mnp::aws
