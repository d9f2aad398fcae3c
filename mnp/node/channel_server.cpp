#include "mnp/node/channel_server.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <utility>

#include "mnp/core/log.hpp"
#include "mnp/node/refusal_log.hpp"
#include "mnp/node/socket_address.hpp"
#include "mnp/node/tls_stream.hpp"

namespace mnp::node {
namespace {

constexpr int kAcceptsATurn = 64;
constexpr Milliseconds kNoDescriptorPause{100};

}  // namespace

struct ChannelServer::State : std::enable_shared_from_this<ChannelServer::State> {
  struct Joining {
    std::unique_ptr<TlsStream> stream;
    std::string peer;
    TimePoint since;
    bool watches_write = false;
  };
  using Entry = std::list<Joining>::iterator;

  State(Loop& its_loop, Fd its_fd, Callbacks its_callbacks, ServerLimits its_limits)
      : loop(its_loop),
        fd(std::move(its_fd)),
        callbacks(std::move(its_callbacks)),
        limits(its_limits),
        tokens(its_limits.join_burst),
        refilled(Clock::now()) {}

  void start();
  void accept_some();
  bool may_accept();
  bool accept_one();
  bool out_of_descriptors();
  void pause_until(TimePoint when);
  void resume();
  void admit(Fd peer_fd, std::string peer);
  void ready(Entry entry);
  void joined(Entry entry);
  void refuse(Entry entry, Refusal why);
  Refusal reason(const Joining& joining, const Error& error) const;
  void forget_late();
  void watch_deadline();
  void close();

  Loop& loop;
  Fd fd;  // none: closed
  const Callbacks callbacks;
  const ServerLimits limits;
  double tokens;  // connections that may be accepted now
  TimePoint refilled;
  Fd spare{::open("/dev/null", O_RDONLY | O_CLOEXEC)};  // given up to refuse when none is left
  std::list<Joining> joining;                           // oldest first
  RefusalLog refusals;
  Loop::TimerId resume_timer = 0, deadline_timer = 0;
  bool paused = false;
};

void ChannelServer::State::start() {
  loop.watch(fd.get(), EPOLLIN, [weak = weak_from_this()](uint32_t) {
    if (const auto self = weak.lock()) self->accept_some();
  });
}

void ChannelServer::State::accept_some() {
  for (int i = 0; i < kAcceptsATurn && fd && !paused; ++i)
    if (!may_accept() || !accept_one()) return;
}

/// Whether limits allow one more; if not, pauses until they do. What is not accepted waits in the
/// kernel's queue.
bool ChannelServer::State::may_accept() {
  const TimePoint now = Clock::now();
  const std::chrono::duration<double> passed = now - refilled;
  tokens = std::min(limits.join_burst, tokens + passed.count() * limits.joins_per_second);
  refilled = now;
  if (tokens < 1) {
    const std::chrono::duration<double> wait((1 - tokens) / limits.joins_per_second);
    pause_until(now + std::chrono::ceil<Milliseconds>(wait));
    return false;
  }
  if (joining.size() < limits.max_joining) return true;
  const TimePoint gives_way = joining.front().since + limits.least_stay;
  if (now < gives_way) {
    pause_until(gives_way);
    return false;
  }
  refuse(joining.begin(), Refusal::kCrowded);
  return true;
}

bool ChannelServer::State::accept_one() {
  SocketAddress address;
  address.size = sizeof address.bytes;
  Fd peer(::accept4(fd.get(), address.get(), &address.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (peer) {
    tokens -= 1;
    admit(std::move(peer), address.text());
    return true;
  }
  if (errno == EAGAIN) return false;
  if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
    return out_of_descriptors();
  return true;  // this connection failed (ECONNABORTED and the like), the next may not
}

/// Refuses one connection, so that the kernel's queue does not fill with what nobody can take.
bool ChannelServer::State::out_of_descriptors() {
  SocketAddress address;
  address.size = sizeof address.bytes;
  spare.reset();
  {
    const Fd refused(::accept4(fd.get(), address.get(), &address.size, SOCK_CLOEXEC));
    if (refused) refusals.add(Refusal::kDescriptors, address.text(), Clock::now());
  }
  spare.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  pause_until(Clock::now() + kNoDescriptorPause);
  return false;
}

void ChannelServer::State::pause_until(TimePoint when) {
  paused = true;
  loop.change(fd.get(), 0);
  loop.cancel(resume_timer);
  resume_timer = loop.at(when, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->resume();
  });
}

void ChannelServer::State::resume() {
  if (!fd || !paused) return;
  paused = false;
  loop.cancel(resume_timer);
  loop.change(fd.get(), EPOLLIN);
}

void ChannelServer::State::admit(Fd peer_fd, std::string peer) {
  set_channel_options(peer_fd.get());
  auto find_key = [this](const PeerIdentity& identity) { return callbacks.find_key(identity); };
  auto stream = TlsStream::server(std::move(peer_fd), std::move(find_key), limits.handshake_bytes);
  if (!stream) {
    log::warning("join port: {}: {}", peer, stream.error().text);
    return;
  }
  const int peer_number = (*stream)->fd();
  joining.push_back({std::move(*stream), std::move(peer), Clock::now(), false});
  const Entry entry = std::prev(joining.end());
  loop.watch(peer_number, EPOLLIN, [weak = weak_from_this(), entry](uint32_t) {
    if (const auto self = weak.lock()) self->ready(entry);
  });
  if (joining.size() == 1) watch_deadline();
}

void ChannelServer::State::ready(Entry entry) {
  const auto done = entry->stream->handshake();
  if (!done) return refuse(entry, reason(*entry, done.error()));
  if (*done) return joined(entry);
  if (entry->watches_write == entry->stream->wants_write()) return;
  entry->watches_write = entry->stream->wants_write();
  loop.change(entry->stream->fd(), entry->watches_write ? EPOLLOUT : EPOLLIN);
}

void ChannelServer::State::joined(Entry entry) {
  loop.forget(entry->stream->fd());
  const PeerIdentity identity = entry->stream->identity();
  auto channel = std::make_unique<Channel>(loop, std::move(entry->stream), std::move(entry->peer));
  joining.erase(entry);
  resume();
  callbacks.on_joined(identity, std::move(channel));
}

Refusal ChannelServer::State::reason(const Joining& entry, const Error& error) const {
  if (error.code == Code::kProtocol) return Refusal::kTooLong;
  switch (entry.stream->claim()) {
    case TlsStream::Claim::kMalformed:
      return Refusal::kIdentity;
    case TlsStream::Claim::kUnknown:
      return Refusal::kKey;
    case TlsStream::Claim::kFound:
      return error.code == Code::kDenied ? Refusal::kKey : Refusal::kClosed;
    case TlsStream::Claim::kNone:
      break;
  }
  return error.code == Code::kDenied ? Refusal::kHandshake : Refusal::kClosed;
}

void ChannelServer::State::refuse(Entry entry, Refusal why) {
  loop.forget(entry->stream->fd());
  refusals.add(why, entry->peer, Clock::now());
  joining.erase(entry);
  if (joining.size() + 1 == limits.max_joining) resume();
}

void ChannelServer::State::forget_late() {
  const TimePoint now = Clock::now();
  while (!joining.empty() && joining.front().since + limits.handshake <= now)
    refuse(joining.begin(), Refusal::kTooSlow);
  if (!joining.empty()) watch_deadline();
}

void ChannelServer::State::watch_deadline() {
  loop.cancel(deadline_timer);
  deadline_timer = loop.at(joining.front().since + limits.handshake, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->forget_late();
  });
}

void ChannelServer::State::close() {
  loop.cancel(resume_timer);
  loop.cancel(deadline_timer);
  for (const Joining& entry : joining) loop.forget(entry.stream->fd());
  joining.clear();
  if (fd) loop.forget(fd.get());
  fd.reset();
}

ChannelServer::ChannelServer(std::shared_ptr<State> state) : state_(std::move(state)) {}
ChannelServer::~ChannelServer() {
  state_->close();
}

Result<std::unique_ptr<ChannelServer>> ChannelServer::listen(Loop& loop, const std::string& address,
                                                             uint16_t port, Callbacks callbacks,
                                                             ServerLimits limits) {
  MNP_TRY(const SocketAddress where, parse_address(address, port));
  MNP_TRY(Fd fd, make_socket(where));
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), where.get(), where.size) != 0) return fail_errno("bind " + where.text());
  if (::listen(fd.get(), SOMAXCONN) != 0) return fail_errno("listen " + where.text());
  auto state = std::make_shared<State>(loop, std::move(fd), std::move(callbacks), limits);
  state->start();
  return std::unique_ptr<ChannelServer>(new ChannelServer(std::move(state)));
}

uint16_t ChannelServer::port() const {
  SocketAddress address;
  address.size = sizeof address.bytes;
  if (::getsockname(state_->fd.get(), address.get(), &address.size) != 0) return 0;
  return address.port();
}

uint64_t ChannelServer::refused(Refusal why) const {
  return state_->refusals.count(why);
}
size_t ChannelServer::joining() const {
  return state_->joining.size();
}

}  // namespace mnp::node
