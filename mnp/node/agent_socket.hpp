// The agent's Unix socket: mnp-rank and mnp-rsh of this node connect to it.
#pragma once

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
  LocalPeer(Loop& loop, Fd fd);
  ~LocalPeer();
  /// Queues a frame; past kMaxQueued bytes the connection is closed.
  void send(uint8_t type, std::string_view payload);
  void close();

  std::function<void(Frame)> on_frame;
  std::function<void()> on_closed;  // the last call

 private:
  void ready(uint32_t events);
  void read_some();
  void flush();

  Loop& loop_;
  Fd fd_;
  FrameReader reader_;
  std::string queued_;
  bool want_write_ = false;
};

class AgentSocket {
 public:
  static constexpr size_t kMaxPeers = 4096;

  /// Listens at `path` (mode 0600). Only processes of this user are let in (SO_PEERCRED).
  static Result<std::unique_ptr<AgentSocket>> listen(
      Loop& loop, const std::string& path,
      std::function<void(std::shared_ptr<LocalPeer>)> on_peer);
  ~AgentSocket();
  const std::string& path() const { return path_; }

 private:
  AgentSocket(Loop& loop, Fd fd, std::string path,
              std::function<void(std::shared_ptr<LocalPeer>)> on_peer);
  void accept_one();

  Loop& loop_;
  Fd fd_;
  std::string path_;
  std::function<void(std::shared_ptr<LocalPeer>)> on_peer_;
};

}  // namespace mnp::node
