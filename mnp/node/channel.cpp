#include "mnp/node/channel.hpp"

#include <sys/epoll.h>

#include <optional>
#include <utility>

#include "mnp/node/tls_stream.hpp"

namespace mnp::node {
namespace {

constexpr size_t kReadBlock = size_t{64} << 10;
constexpr int kBlocksATurn = 32;               // then others of the loop have their turn
constexpr size_t kKeepSent = size_t{1} << 20;  // sent bytes at the queue's front before it is cut

}  // namespace

struct Channel::State : std::enable_shared_from_this<Channel::State> {
  State(Loop& its_loop, std::unique_ptr<TlsStream> its_stream, std::string its_peer)
      : loop(its_loop), stream(std::move(its_stream)), peer(std::move(its_peer)) {}

  void start();
  void ready();
  void read_some();
  bool take_frames();
  void flush();
  void flush_end();
  void watch_for_write(bool wanted);
  void end(const Error& why);
  void end_later(Error why);
  void close();

  Loop& loop;
  std::unique_ptr<TlsStream> stream;  // null: closed
  const std::string peer;
  FrameReader reader;
  std::string queue;
  size_t sent = 0;  // bytes at the front of `queue`
  FrameCallback on_frame;
  ClosedCallback on_closed;
  bool watched = false, watches_write = false;
  bool broken = false;  // `end` is on its way
  bool finishing = false, end_said = false;
  std::optional<Error> early;  // the end came before `start`
  Loop::TimerId finish_timer = 0;
};

void Channel::State::start() {
  watched = true;
  watches_write = sent < queue.size();
  const std::weak_ptr<State> weak = weak_from_this();
  loop.watch(stream->fd(), watches_write ? EPOLLIN | EPOLLOUT : EPOLLIN, [weak](uint32_t) {
    if (const auto self = weak.lock()) self->ready();
  });
  // The handshake may have read frames already: no event tells of these.
  loop.post([weak] {
    if (const auto self = weak.lock()) self->ready();
  });
}

void Channel::State::ready() {
  if (!stream || broken) return;
  if (sent < queue.size() || finishing) flush();
  if (stream && !broken) read_some();
}

void Channel::State::read_some() {
  static thread_local std::string block(kReadBlock, '\0');
  for (int i = 0; i < kBlocksATurn; ++i) {
    const auto n = stream->read(block.data(), block.size());
    if (!n) return end(n.error());
    if (*n == 0) return;
    if (finishing) continue;
    reader.feed({block.data(), *n});
    if (!take_frames()) return;
  }
  loop.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->ready();
  });
}

/// False when the channel is at its end.
bool Channel::State::take_frames() {
  while (!finishing) {
    auto frame = reader.next();
    if (!frame) {
      end(frame.error());
      return false;
    }
    if (!*frame) break;
    on_frame(std::move(**frame));
    if (!stream || broken) return false;
  }
  return true;
}

void Channel::State::flush() {
  while (sent < queue.size()) {
    const auto n = stream->write(std::string_view(queue).substr(sent));
    if (!n) return end_later(n.error());
    if (*n == 0) break;
    sent += *n;
  }
  if (sent == queue.size() || sent >= kKeepSent) {
    queue.erase(0, sent);
    sent = 0;
  }
  if (queue.empty() && finishing)
    flush_end();
  else
    watch_for_write(!queue.empty());
}

void Channel::State::flush_end() {
  if (!end_said) end_said = stream->say_end();
  watch_for_write(!end_said);
}

void Channel::State::watch_for_write(bool wanted) {
  if (!watched || wanted == watches_write) return;
  watches_write = wanted;
  loop.change(stream->fd(), wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void Channel::State::end_later(Error why) {
  if (broken) return;
  broken = true;
  if (watched) loop.forget(stream->fd());
  watched = false;
  loop.post([weak = weak_from_this(), why = std::move(why)] {
    if (const auto self = weak.lock()) self->end(why);
  });
}

void Channel::State::end(const Error& why) {
  if (!stream) return;
  const auto self = shared_from_this();  // the callback may destroy the channel
  const ClosedCallback last = std::move(on_closed);
  close();
  if (last)
    last(why.within(peer));
  else
    early = why.within(peer);
}

void Channel::State::close() {
  if (!stream) return;
  loop.cancel(finish_timer);
  if (watched) loop.forget(stream->fd());
  watched = false;
  (void)stream->say_end();
  stream.reset();
  queue.clear();
  sent = 0;
  on_closed = nullptr;
}

Channel::Channel(Loop& loop, std::unique_ptr<TlsStream> stream, std::string peer)
    : state_(std::make_shared<State>(loop, std::move(stream), std::move(peer))) {}

Channel::~Channel() {
  state_->close();
}

void Channel::start(FrameCallback on_frame, ClosedCallback on_closed) {
  MNP_ASSERT(!state_->watched && !state_->on_frame, "a channel is started once");
  state_->on_frame = std::move(on_frame);
  state_->on_closed = std::move(on_closed);
  if (state_->stream && !state_->broken) return state_->start();
  if (!state_->early) return;  // closed from here, or the end is on its way
  state_->loop.post([weak = state_->weak_from_this()] {
    if (const auto self = weak.lock(); self && self->on_closed) self->on_closed(*self->early);
  });
}

void Channel::send(uint8_t type, std::string_view payload) {
  State& state = *state_;
  if (!state.stream || state.broken || state.finishing) return;
  if (queued() + payload.size() > kMaxQueued)
    return state.end_later(
        Error{Code::kIo, "does not read: over " + std::to_string(kMaxQueued) + " bytes wait"});
  const bool idle = state.queue.empty();
  append_frame(state.queue, type, payload);
  if (idle) state.flush();
}

size_t Channel::queued() const {
  return state_->queue.size() - state_->sent;
}

void Channel::finish(Milliseconds limit) {
  State& state = *state_;
  if (!state.stream || state.broken || state.finishing) return;
  state.finishing = true;
  state.finish_timer = state.loop.after(limit, [weak = state.weak_from_this()] {
    if (const auto self = weak.lock()) self->end(Error{Code::kTimeout, "the peer did not close"});
  });
  state.flush();
}

void Channel::close() {
  state_->close();
}
bool Channel::open() const {
  return state_->stream != nullptr && !state_->broken;
}
const std::string& Channel::peer() const {
  return state_->peer;
}

}  // namespace mnp::node
