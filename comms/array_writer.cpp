#include "comms/array_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace mnp::comms {
namespace {

constexpr auto kWriteDeadline = std::chrono::minutes(5);  // of one piece

}  // namespace

Result<ArrayWriter> ArrayWriter::create(const fs::path& target, const ArrayShape& shape) {
  MNP_CHECK(make_folders(target.parent_path()));
  const fs::path temporary = target.parent_path() / ("." + target.filename().string() + ".part");
  Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) return fail_errno("create " + temporary.string());
  ArrayWriter writer(target, temporary, std::move(fd));
  MNP_CHECK(writer.write(model::encode_npy_header(shape.dtype, shape.shape)));
  return writer;
}

ArrayWriter::ArrayWriter(ArrayWriter&& other) noexcept
    : target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::move(other.fd_)) {}

ArrayWriter::~ArrayWriter() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Status ArrayWriter::write(std::string_view bytes) {
  if (auto done = write_all(fd_.get(), bytes, Clock::now() + kWriteDeadline); !done)
    return fail(done.error().within("write " + target_.string()));
  return {};
}

Status ArrayWriter::commit() {
  if (::fsync(fd_.get()) != 0) return fail_errno("fsync " + target_.string());
  if (std::rename(temporary_.c_str(), target_.c_str()) != 0)
    return fail_errno("rename to " + target_.string());
  temporary_.clear();
  const Fd folder(::open(target_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0)
    return fail_errno("fsync " + target_.parent_path().string());
  return {};
}

}  // namespace mnp::comms
