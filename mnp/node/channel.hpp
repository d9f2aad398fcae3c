// A connection between two nodes that have proved the job's key to each other: frames over TLS.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "mnp/core/frame.hpp"
#include "mnp/core/loop.hpp"

namespace mnp::node {

class TlsStream;

/// Lives in one loop and its thread; shares nothing with other threads. Destroying it closes the
/// connection at once and calls nothing. Both callbacks may destroy it.
class Channel {
 public:
  static constexpr size_t kMaxQueued = size_t{64} << 20;  // bytes waiting to be sent

  using FrameCallback = std::function<void(Frame)>;
  using ClosedCallback = std::function<void(Error)>;

  /// Made by ChannelServer and connect_channel, from a stream whose handshake is done.
  Channel(Loop& loop, std::unique_ptr<TlsStream> stream, std::string peer);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Begins to read; to be called once. `on_closed` is the last call, and comes when the peer
  /// closed (kClosed), the connection broke (kIo) or the peer sent nonsense (kProtocol).
  void start(FrameCallback on_frame, ClosedCallback on_closed);
  /// Queues a frame and sends what fits now. Past kMaxQueued the channel is broken: `on_closed`
  /// follows from the loop, never from here. Nothing happens after the end.
  void send(uint8_t type, std::string_view payload);
  /// Bytes that wait to be sent.
  size_t queued() const;
  /// Says the end behind what is queued; frames that still arrive are dropped. `on_closed` comes
  /// when the peer has read all and closed too, or after `limit`.
  void finish(Milliseconds limit);
  /// Closes now; what was sent may be lost. Calls nothing.
  void close();

  bool open() const;
  /// "10.0.3.7:41822", for messages.
  const std::string& peer() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace mnp::node
