#include "comms/array_writer.hpp"

#include <fcntl.h>

#include <cstdio>
#include <utility>

#include "mnp/core/text.hpp"

namespace mnp::comms {
namespace {

constexpr auto kWriteDeadline = std::chrono::minutes(5);  // of one piece

tl::unexpected<Error> store_failed(std::string text) {
  return fail(Code::kStore, std::move(text));
}

tl::unexpected<Error> store_failed_errno(std::string_view what) {
  return store_failed(fail_errno(what).value().text);
}

Status sync_and_rename(const std::stop_token& stop, ArrayWriter::Sync sync, int fd,
                       const fs::path& temporary, const fs::path& target) {
  if (sync(fd) != 0) return store_failed_errno("fsync " + target.string());
  if (stop.stop_requested()) return store_failed(target.string() + ": nobody waits for it");
  if (std::rename(temporary.c_str(), target.c_str()) != 0)
    return store_failed_errno("rename to " + target.string());
  const Fd folder(::open(target.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || (sync(folder.get()) != 0 && errno != EINVAL))  // some file systems cannot
    return store_failed_errno("fsync " + target.parent_path().string());
  return {};
}

}  // namespace

Result<ArrayWriter> ArrayWriter::create(const fs::path& target, const ArrayShape& shape,
                                        Sync sync) {
  if (const auto made = make_folders(target.parent_path()); !made)
    return store_failed(made.error().text);
  const fs::path temporary =
      target.parent_path() / ("." + hex64(fnv1a(target.filename().string())) + ".part");
  Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) return store_failed_errno("create " + temporary.string());
  ArrayWriter writer(target, temporary, std::move(fd), sync);
  MNP_CHECK(writer.write(model::encode_npy_header(shape.dtype, shape.shape)));
  return writer;
}

ArrayWriter::ArrayWriter(ArrayWriter&& other) noexcept
    : target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::move(other.fd_)),
      sync_(other.sync_),
      commit_(std::move(other.commit_)),
      thread_(std::move(other.thread_)) {}

ArrayWriter::~ArrayWriter() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Status ArrayWriter::write(std::string_view bytes) {
  if (auto done = write_all(fd_.get(), bytes, Clock::now() + kWriteDeadline); !done)
    return store_failed(done.error().within("write " + target_.string()).text);
  return {};
}

void ArrayWriter::begin_commit() {
  std::packaged_task<Status(std::stop_token)> task([sync = sync_, fd = fd_.get(),
                                                    temporary = temporary_,
                                                    target = target_](const std::stop_token& stop) {
    return sync_and_rename(stop, sync, fd, temporary, target);
  });
  commit_ = task.get_future();
  thread_ = std::jthread(std::move(task));
}

Result<bool> ArrayWriter::committed() {
  if (commit_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return false;
  MNP_CHECK(commit_.get());
  temporary_.clear();
  return true;
}

}  // namespace mnp::comms
