// The rank's end of its agent's Unix socket: frames in and out, never waiting.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "mnp/core/fd.hpp"
#include "mnp/core/frame.hpp"
#include "mnp/model/rank_link.hpp"

namespace mnp::comms {

/// `send`, `queued` and `flush` may be called from any thread.
class AgentLink {
 public:
  static Result<AgentLink> connect(const std::string& path);
  /// Of a connected stream socket.
  static Result<AgentLink> over(Fd fd);

  /// Queues a frame; `flush` writes. Who sends bulk asks `queued` first.
  void send(model::RankFrame type, std::string_view payload);
  size_t queued() const;
  /// Writes what the socket takes. kClosed when the agent is gone.
  Status flush();
  /// The next whole frame, nullopt when there is none yet; kClosed when the agent is gone.
  Result<std::optional<Frame>> next();
  int fd() const { return fd_.get(); }

 private:
  explicit AgentLink(Fd fd) : fd_(std::move(fd)) {}
  size_t unwritten() const { return out_.size() - written_; }

  Fd fd_;
  FrameReader reader_;
  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();  // of what follows
  std::string out_;
  size_t written_ = 0;
};

}  // namespace mnp::comms
