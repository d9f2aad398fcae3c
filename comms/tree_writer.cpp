#include "comms/tree_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mnp/core/log.hpp"
#include "mnp/core/text.hpp"

namespace mnp::comms {
namespace {

constexpr auto kWriteDeadline = std::chrono::minutes(5);  // of one record
constexpr unsigned kOwnerAll = 0700;

/// "" or a path that stays below the top.
bool stays_below(const std::string& path) {
  if (path.empty()) return true;
  for (const std::string& part : split(path, '/'))
    if (part.empty() || part == "." || part == "..") return false;
  return path.find('\0') == std::string::npos;
}

}  // namespace

Result<TreeWriter> TreeWriter::create(const fs::path& target) {
  const fs::path temporary = target.parent_path() / ("." + target.filename().string() + ".part");
  MNP_CHECK(make_folders(target.parent_path()));
  MNP_CHECK(remove_tree(temporary));
  return TreeWriter(target, temporary);
}

TreeWriter::TreeWriter(TreeWriter&& other) noexcept
    : target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})),
      folders_(std::move(other.folders_)),
      file_(std::move(other.file_)),
      file_path_(std::move(other.file_path_)),
      file_mode_(other.file_mode_),
      file_bytes_(other.file_bytes_),
      file_crc_(other.file_crc_),
      any_(other.any_) {}

TreeWriter::~TreeWriter() {
  if (temporary_.empty()) return;
  if (const auto removed = remove_tree(temporary_); !removed)
    log::warning("{}", removed.error().text);
}

std::string TreeWriter::shown(const std::string& path) const {
  return (path.empty() ? target_ : target_ / path).string();
}

Status TreeWriter::take(std::string_view block) {
  Decoder in(block);
  const uint32_t records = in.u32();
  for (uint32_t i = 0; i < records; ++i) MNP_CHECK(take_record(in));
  return in.finish("a block of " + target_.filename().string());
}

Status TreeWriter::take_record(Decoder& in) {
  const auto kind = static_cast<TreeRecord>(in.u8());
  if (kind == TreeRecord::kData) return write(in.text());
  if (kind == TreeRecord::kFileEnd) {
    const uint64_t bytes = in.u64();
    return end_file(bytes, in.u32());
  }
  const std::string path = in.text();
  if (!stays_below(path) || (any_ && path.empty()) || file_)
    return fail(Code::kProtocol, target_.string() + ": a block has a wrong path or order");
  any_ = true;
  switch (kind) {
    case TreeRecord::kFolder:
      return make_folder(path, in.u32());
    case TreeRecord::kFile:
      return begin_file(path, in.u32());
    case TreeRecord::kLink:
      if (::symlink(in.text().c_str(), full(path).c_str()) != 0)
        return fail_errno("link " + shown(path));
      return {};
    default:
      return fail(Code::kProtocol, target_.string() + ": a block has a record of unknown kind");
  }
}

Status TreeWriter::make_folder(const std::string& path, uint32_t mode) {
  if (::mkdir(full(path).c_str(), kOwnerAll) != 0) return fail_errno("make folder " + shown(path));
  folders_.push_back({path, mode});
  return {};
}

Status TreeWriter::begin_file(const std::string& path, uint32_t mode) {
  file_ = Fd(::open(full(path).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file_) return fail_errno("create " + shown(path));
  file_path_ = path;
  file_mode_ = mode;
  file_bytes_ = 0;
  file_crc_ = 0;
  return {};
}

Status TreeWriter::write(std::string_view data) {
  if (!file_) return fail(Code::kProtocol, target_.string() + ": data outside a file");
  if (auto done = write_all(file_.get(), data, Clock::now() + kWriteDeadline); !done)
    return fail(done.error().within(shown(file_path_)));
  file_bytes_ += data.size();
  file_crc_ = crc32c(data, file_crc_);
  return {};
}

Status TreeWriter::end_file(uint64_t bytes, uint32_t crc) {
  if (!file_ || bytes != file_bytes_ || crc != file_crc_)
    return fail(Code::kProtocol, shown(file_path_) + ": is not what main has read");
  if (::fchmod(file_.get(), file_mode_) != 0) return fail_errno("chmod " + shown(file_path_));
  file_.reset();
  return {};
}

Status TreeWriter::commit() {
  if (!any_ || file_) return fail(Code::kProtocol, target_.string() + ": has come in part only");
  for (auto folder = folders_.rbegin(); folder != folders_.rend(); ++folder)
    if (::chmod(full(folder->path).c_str(), folder->bits) != 0)
      return fail_errno("chmod " + shown(folder->path));
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    // A folder never replaces a file, nor one that is not empty: an earlier copy goes first.
    MNP_CHECK(remove_tree(target_));
    if (::rename(temporary_.c_str(), target_.c_str()) != 0)
      return fail_errno("rename to " + target_.string());
  }
  temporary_.clear();
  return {};
}

}  // namespace mnp::comms
