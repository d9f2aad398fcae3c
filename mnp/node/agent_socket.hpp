// The agent's Unix socket: mnp-rank and mnp-rsh of this node connect to it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "mnp/core/frame.hpp"
#include "mnp/core/loop.hpp"

namespace mnp::node {

/// One local client. Lives in the loop's thread.
class LocalPeer : public std::enable_shared_from_this<LocalPeer> {
 public:
  /// `seat`: let go of with this object.
  LocalPeer(Loop& loop, Fd fd, pid_t pid, std::shared_ptr<void> seat = nullptr);
  ~LocalPeer();
  static constexpr size_t kMaxQueued = size_t{64} << 20;  // bytes that wait for the client

  /// Queues a frame. Past kMaxQueued the client is cut off: `on_closed` follows from the loop,
  /// never from here. Nothing happens after the end.
  void send(uint8_t type, std::string_view payload);
  /// The process that connected.
  pid_t pid() const { return pid_; }
  /// Calls `on_closed`.
  void close();

  std::function<void(Frame)> on_frame;  // may replace itself
  std::function<void()> on_closed;      // the last call

 private:
  void ready(uint32_t events);
  void read_some();
  void flush();

  Loop& loop_;
  Fd fd_;
  const pid_t pid_;
  const std::shared_ptr<void> seat_;
  FrameReader reader_;
  std::string queued_;
  bool want_write_ = false, cut_off_ = false;
};

class AgentSocket {
 public:
  static constexpr size_t kMaxPeers = 4096;  // at once; more are refused

  /// Listens at `path` (mode 0600). Only processes of this user and of root are let in
  /// (SO_PEERCRED).
  static Result<std::unique_ptr<AgentSocket>> listen(
      Loop& loop, const std::string& path, std::function<void(std::shared_ptr<LocalPeer>)> on_peer);
  ~AgentSocket();
  const std::string& path() const { return path_; }

 private:
  AgentSocket(Loop& loop, Fd fd, std::string path,
              std::function<void(std::shared_ptr<LocalPeer>)> on_peer);
  void listen_on();
  void accept_one();
  void pause();

  Loop& loop_;
  Fd fd_;
  std::string path_;
  std::function<void(std::shared_ptr<LocalPeer>)> on_peer_;
  std::shared_ptr<void> seat_ = std::make_shared<char>();  // each peer holds one more
  Loop::TimerId pause_ = 0;
};

}  // namespace mnp::node
