#include "comms/tree_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mnp/core/frame.hpp"
#include "mnp/core/text.hpp"

namespace mnp::comms {
namespace {

constexpr unsigned kModeBits = 07777;

Encoder record(TreeRecord kind) {
  Encoder out;
  out.u8(static_cast<uint8_t>(kind));
  return out;
}

}  // namespace

Result<TreeReader> TreeReader::open(const fs::path& source) {
  struct stat info {};
  if (::stat(source.c_str(), &info) != 0) return fail_errno("read " + source.string());
  return TreeReader(source);
}

Result<std::string> TreeReader::next() {
  block_.clear();
  records_ = 0;
  while (!finished() && block_.size() < kTreeBlockBytes) MNP_CHECK(step());
  if (records_ == 0) return std::string();
  return Encoder().u32(records_).take() + block_;
}

Status TreeReader::step() {
  if (!begun_) {
    begun_ = true;
    return enter("", true);
  }
  if (file_) return read_file_on();
  Folder& folder = folders_.back();
  if (folder.next == folder.names.size()) {
    folders_.pop_back();
    return {};
  }
  const std::string& name = folder.names[folder.next++];
  return enter(folder.path.empty() ? name : folder.path + "/" + name, false);
}

Status TreeReader::enter(const std::string& path, bool follow) {
  const fs::path here = full(path);
  struct stat info {};
  if ((follow ? ::stat(here.c_str(), &info) : ::lstat(here.c_str(), &info)) != 0)
    return fail_errno("read " + here.string());
  const uint32_t mode = info.st_mode & kModeBits;
  if (S_ISDIR(info.st_mode)) {
    MNP_TRY(auto names, list_folder(here));
    add(record(TreeRecord::kFolder).text(path).u32(mode).take());
    folders_.push_back({path, std::move(names)});
    return {};
  }
  if (S_ISLNK(info.st_mode)) {
    std::error_code error;
    const fs::path to = fs::read_symlink(here, error);
    if (error) return fail(Code::kIo, "read " + here.string() + ": " + error.message());
    add(record(TreeRecord::kLink).text(path).text(to.string()).take());
    return {};
  }
  if (!S_ISREG(info.st_mode))
    return fail(Code::kConfig, here.string() + ": is neither a file, a folder nor a link");
  file_ = Fd(::open(here.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file_) return fail_errno("open " + here.string());
  file_path_ = path;
  file_bytes_ = 0;
  file_crc_ = 0;
  add(record(TreeRecord::kFile).text(path).u32(mode).take());
  return {};
}

Status TreeReader::read_file_on() {
  std::string data(kTreeDataBytes, '\0');
  ssize_t n = -1;
  do n = ::read(file_.get(), data.data(), data.size());
  while (n < 0 && errno == EINTR);
  if (n < 0) return fail_errno("read " + full(file_path_).string());
  if (n == 0) {
    add(record(TreeRecord::kFileEnd).u64(file_bytes_).u32(file_crc_).take());
    file_.reset();
    return {};
  }
  data.resize(static_cast<size_t>(n));
  file_bytes_ += data.size();
  file_crc_ = crc32c(data, file_crc_);
  add(record(TreeRecord::kData).text(data).take());
  return {};
}

void TreeReader::add(std::string_view record) {
  block_ += record;
  ++records_;
}

}  // namespace mnp::comms
