#include "mnp/node/channel_client.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "mnp/node/socket_address.hpp"
#include "mnp/node/tls_stream.hpp"

namespace mnp::node {

using Done = std::function<void(Result<std::unique_ptr<Channel>>)>;

struct ConnectAttempt::State : std::enable_shared_from_this<ConnectAttempt::State> {
  State(Loop& its_loop, PeerIdentity its_identity, const JoinKey& its_key, Done its_done)
      : loop(its_loop),
        identity(std::move(its_identity)),
        key(its_key),
        done(std::move(its_done)) {}

  Status begin(const ConnectTarget& to, TimePoint deadline);
  void ready();
  Status connected();
  void shake_hands();
  void end(Result<std::unique_ptr<Channel>> result);
  void close();

  Loop& loop;
  const PeerIdentity identity;
  const JoinKey key;
  Done done;  // none: at its end
  std::string target;
  Fd fd;                              // while connecting
  std::unique_ptr<TlsStream> stream;  // then
  int watched = -1;
  Loop::TimerId timer = 0;
};

Status ConnectAttempt::State::begin(const ConnectTarget& to, TimePoint deadline) {
  MNP_TRY(const SocketAddress address, parse_address(to.host, to.port));
  target = address.text();
  MNP_TRY(fd, make_socket(address));
  if (!to.local.empty()) {
    MNP_TRY(const SocketAddress local, parse_address(to.local, 0));
    const int on = 1;  // the port is chosen by connect(2), which knows both ends
    (void)::setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (::bind(fd.get(), local.get(), local.size) != 0) return fail_errno("bind " + to.local);
  }
  set_channel_options(fd.get());
  if (::connect(fd.get(), address.get(), address.size) != 0 && errno != EINPROGRESS)
    return fail_errno("connect");
  watched = fd.get();
  const std::weak_ptr<State> weak = weak_from_this();
  loop.watch(watched, EPOLLOUT, [weak](uint32_t) {
    if (const auto self = weak.lock()) self->ready();
  });
  timer = loop.at(deadline, [weak] {
    if (const auto self = weak.lock())
      self->end(
          fail(Code::kTimeout, self->stream ? "no answer to the handshake" : "no connection"));
  });
  return {};
}

void ConnectAttempt::State::ready() {
  if (!done) return;
  if (!stream)
    if (auto status = connected(); !status) return end(fail(std::move(status).error()));
  shake_hands();
}

Status ConnectAttempt::State::connected() {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) {
    errno = error;
    return fail(Code::kIo, fail_errno("connect").value().text);
  }
  MNP_TRY(stream, TlsStream::client(std::move(fd), identity, key));
  return {};
}

void ConnectAttempt::State::shake_hands() {
  const auto proved = stream->handshake();
  if (!proved) return end(fail(proved.error()));
  if (!*proved) return loop.change(watched, stream->wants_write() ? EPOLLOUT : EPOLLIN);
  loop.forget(std::exchange(watched, -1));
  end(std::make_unique<Channel>(loop, std::move(stream), target));
}

void ConnectAttempt::State::end(Result<std::unique_ptr<Channel>> result) {
  const auto self = shared_from_this();  // the callback may destroy the attempt
  const Done last = std::exchange(done, nullptr);
  close();
  if (!last) return;
  if (!result) result = fail(result.error().within(target));
  last(std::move(result));
}

void ConnectAttempt::State::close() {
  done = nullptr;
  loop.cancel(timer);
  if (watched >= 0) loop.forget(std::exchange(watched, -1));
  stream.reset();
  fd.reset();
}

ConnectAttempt::ConnectAttempt(std::shared_ptr<State> state) : state_(std::move(state)) {}
ConnectAttempt::~ConnectAttempt() {
  state_->close();
}

std::unique_ptr<ConnectAttempt> connect_channel(Loop& loop, const ConnectTarget& target,
                                                const PeerIdentity& identity, const JoinKey& key,
                                                TimePoint deadline, Done done) {
  auto state = std::make_shared<ConnectAttempt::State>(loop, identity, key, std::move(done));
  if (auto status = state->begin(target, deadline); !status)
    loop.post([weak = std::weak_ptr(state), error = std::move(status).error()]() mutable {
      if (const auto self = weak.lock()) self->end(fail(std::move(error)));
    });
  return std::unique_ptr<ConnectAttempt>(new ConnectAttempt(std::move(state)));
}

}  // namespace mnp::node
