#include "mnp/node/agent_socket.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "mnp/core/log.hpp"

namespace mnp::node {
namespace {

constexpr size_t kReadBlock = size_t{256} << 10;
constexpr Milliseconds kPause{100};  // of accepting, while no descriptor is left

}  // namespace

LocalPeer::LocalPeer(Loop& loop, Fd fd, pid_t pid, std::shared_ptr<void> seat)
    : loop_(loop), fd_(std::move(fd)), pid_(pid), seat_(std::move(seat)) {
  loop_.watch(fd_.get(), EPOLLIN, [this](uint32_t events) { ready(events); });
}

LocalPeer::~LocalPeer() {
  if (fd_) loop_.forget(fd_.get());
}

void LocalPeer::close() {
  if (!fd_) return;
  loop_.forget(fd_.get());
  fd_.reset();
  if (on_closed) {
    const auto last = std::move(on_closed);
    on_closed = nullptr;
    last();
  }
}

void LocalPeer::send(uint8_t type, std::string_view payload) {
  if (!fd_ || cut_off_) return;
  if (queued_.size() + payload.size() > kMaxQueued) {
    log::error("a local client does not read; closing its connection");
    cut_off_ = true;
    ::shutdown(fd_.get(), SHUT_RDWR);  // its end is seen by the reader
    return;
  }
  const bool idle = queued_.empty();
  append_frame(queued_, type, payload);
  if (idle) flush();
}

void LocalPeer::flush() {
  size_t sent = 0;
  while (sent < queued_.size()) {
    const ssize_t n = ::send(fd_.get(), queued_.data() + sent, queued_.size() - sent,
                             MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
      sent += static_cast<size_t>(n);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      // Its end is seen by the reader; closing here would destroy a caller's peer under it.
      queued_.clear();
      return;
    }
  }
  queued_.erase(0, sent);
  if (want_write_ != !queued_.empty()) {
    want_write_ = !queued_.empty();
    loop_.change(fd_.get(), want_write_ ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }
}

void LocalPeer::ready(uint32_t events) {
  if ((events & EPOLLOUT) != 0) flush();
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read_some();
}

void LocalPeer::read_some() {
  const auto self = shared_from_this();  // callbacks may let go of it
  static thread_local std::string block(kReadBlock, '\0');
  const ssize_t n = ::recv(fd_.get(), block.data(), block.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return close();
  reader_.feed({block.data(), static_cast<size_t>(n)});
  while (fd_) {
    auto frame = reader_.next();
    if (!frame) {
      log::error("a local client: {}", frame.error().text);
      return close();
    }
    if (!*frame) return;
    if (const auto callback = on_frame) callback(std::move(**frame));
    if (self.use_count() == 1) return;  // nobody wants the rest
  }
}

AgentSocket::AgentSocket(Loop& loop, Fd fd, std::string path,
                         std::function<void(std::shared_ptr<LocalPeer>)> on_peer)
    : loop_(loop), fd_(std::move(fd)), path_(std::move(path)), on_peer_(std::move(on_peer)) {
  listen_on();
}

void AgentSocket::listen_on() {
  pause_ = 0;
  loop_.watch(fd_.get(), EPOLLIN, [this](uint32_t) { accept_one(); });
}

/// A client that waits would wake the loop again and again.
void AgentSocket::pause() {
  loop_.forget(fd_.get());
  pause_ = loop_.after(kPause, [this] { listen_on(); });
}

AgentSocket::~AgentSocket() {
  if (pause_ != 0)
    loop_.cancel(pause_);
  else
    loop_.forget(fd_.get());
  ::unlink(path_.c_str());
}

Result<std::unique_ptr<AgentSocket>> AgentSocket::listen(
    Loop& loop, const std::string& path, std::function<void(std::shared_ptr<LocalPeer>)> on_peer) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(Code::kConfig, path + ": too long for a Unix socket (107 bytes); name a shorter " +
                                   "folder in MNP_SCRATCH_ROOT");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket");
  ::unlink(path.c_str());
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("bind " + path);
  if (::chmod(path.c_str(), 0600) != 0 || ::listen(fd.get(), SOMAXCONN) != 0)
    return fail_errno("listen " + path);
  return std::unique_ptr<AgentSocket>(
      new AgentSocket(loop, std::move(fd), path, std::move(on_peer)));
}

void AgentSocket::accept_one() {
  Fd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) pause();
    return;
  }
  if (seat_.use_count() > static_cast<long>(kMaxPeers))
    return log::warning("refused a local client: there are {} already", kMaxPeers);
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      (peer.uid != ::geteuid() && peer.uid != 0)) {
    log::warning("refused a local client of user {}", peer.uid);
    return;
  }
  on_peer_(std::make_shared<LocalPeer>(loop_, std::move(fd), peer.pid, seat_));
}

}  // namespace mnp::node
