#include "comms/agent_link.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace mnp::comms {
namespace {

constexpr size_t kReadBlock = size_t{256} << 10;
constexpr size_t kKept = size_t{1} << 20;  // of what is written, so that little is moved

}  // namespace

Result<AgentLink> AgentLink::connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(Code::kConfig, "the agent's socket has too long a path: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("connect to the agent at " + path);
  return over(std::move(fd));
}

Result<AgentLink> AgentLink::over(Fd fd) {
  MNP_CHECK(set_nonblocking(fd.get()));
  return AgentLink(std::move(fd));
}

void AgentLink::send(model::RankFrame type, std::string_view payload) {
  const std::scoped_lock lock(*mutex_);
  append_frame(out_, static_cast<uint8_t>(type), payload);
}

size_t AgentLink::queued() const {
  const std::scoped_lock lock(*mutex_);
  return unwritten();
}

Status AgentLink::flush() {
  const std::scoped_lock lock(*mutex_);
  while (unwritten() > 0) {
    const ssize_t n = ::send(fd_.get(), out_.data() + written_, unwritten(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) return fail(Code::kClosed, "the agent is gone");
    written_ += static_cast<size_t>(n);
  }
  if (unwritten() > 0 && written_ < kKept) return {};
  out_.erase(0, written_);
  written_ = 0;
  return {};
}

Result<std::optional<Frame>> AgentLink::next() {
  static std::array<char, kReadBlock> block;  // one thread
  for (;;) {
    MNP_TRY(auto frame, reader_.next());
    if (frame) return frame;
    const ssize_t n = ::read(fd_.get(), block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return std::nullopt;
    if (n <= 0) return fail(Code::kClosed, "the agent is gone");
    reader_.feed({block.data(), static_cast<size_t>(n)});
  }
}

}  // namespace mnp::comms
