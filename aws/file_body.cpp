#include "aws/file_body.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

constexpr uint64_t kBlock = 256 << 10;

}  // namespace

Status read_part(const FilePart& part, std::span<char> into) {
  for (size_t done = 0; done < into.size();) {
    const ssize_t n = ::pread(part.fd.get(), into.data() + done, into.size() - done,
                              static_cast<off_t>(part.first + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read " + part.path.string());
    if (n == 0) return fail(Code::kIo, part.path.string() + " became shorter while it was read");
    done += static_cast<size_t>(n);
  }
  return {};
}

Status write_part(const FilePart& part, std::string_view bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::pwrite(part.fd.get(), bytes.data() + done, bytes.size() - done,
                               static_cast<off_t>(part.first + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("write " + part.path.string());
    done += static_cast<size_t>(n);
  }
  return {};
}

bool FileSource::read(uint64_t first, std::span<char> into) {
  if (!status_) return false;
  status_ = read_part({part_.fd, part_.path, part_.first + first, into.size()}, into);
  crc_ = mnp::crc32c({into.data(), into.size()}, first == 0 ? 0 : crc_);
  return status_.has_value();
}

void FileSink::begin() {
  block_.clear();
  taken_ = crc_ = 0;
}

bool FileSink::take(std::string_view bytes) {
  if (!status_) return false;
  if (bytes.size() > part_.bytes - taken_)
    status_ = fail(Code::kProtocol, fmt::format("{}: more came than the {} bytes from {}",
                                                part_.path.string(), part_.bytes, part_.first));
  if (!status_) return false;
  block_ += bytes;
  taken_ += bytes.size();
  if (block_.size() < kBlock && taken_ < part_.bytes) return true;
  const uint64_t first = part_.first + taken_ - block_.size();
  status_ = write_part({part_.fd, part_.path, first, block_.size()}, block_);
  crc_ = mnp::crc32c(block_, crc_);
  block_.clear();
  return status_.has_value();
}

Result<uint32_t> checksum_of_part(const FilePart& part) {
  FileSource source(part);
  std::string block;
  for (uint64_t at = 0; at < part.bytes; at += block.size()) {
    block.resize(std::min(kBlock, part.bytes - at));
    if (!source.read(at, block)) return fail(source.status().error());
  }
  return source.crc32c();
}

}  // namespace mnp::aws
