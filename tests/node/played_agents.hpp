// Agents for mnp-rsh, played by the test: a Unix socket in a loop of its own thread, which answers
// as the test says.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "mnp/core/files.hpp"
#include "mnp/core/loop.hpp"
#include "mnp/node/agent_socket.hpp"
#include "mnp/node/spawn.hpp"

namespace mnp::node {

class PlayedAgents {
 public:
  /// In the loop's thread.
  using Asked = std::function<void(std::shared_ptr<LocalPeer>, SpawnRequest)>;
  using Gone = std::function<void(LocalPeer*)>;

  PlayedAgents(std::string path, Asked asked, Gone gone = {})
      : path_(std::move(path)), asked_(std::move(asked)), gone_(std::move(gone)) {
    socket_ = AgentSocket::listen(loop_, path_, [this](std::shared_ptr<LocalPeer> peer) {
                take(std::move(peer));
              }).value();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~PlayedAgents() { stop(); }
  /// All connections are cut.
  void stop() {
    if (!thread_.joinable()) return;
    loop_.stop();
    thread_.join();
    socket_.reset();
    peers_.clear();
  }
  Loop& loop() { return loop_; }
  const std::string& path() const { return path_; }

 private:
  void take(std::shared_ptr<LocalPeer> peer) {
    LocalPeer* key = peer.get();
    peer->on_frame = [this, key](Frame frame) {
      const auto request = decode_spawn_request(frame.payload);
      if (static_cast<SpawnFrame>(frame.type) == SpawnFrame::kSpawn && request)
        asked_(peers_.at(key), *request);
    };
    peer->on_closed = [this, key] {
      if (gone_) gone_(key);
      peers_.erase(key);
    };
    peers_[key] = std::move(peer);
  }

  Loop loop_;
  const std::string path_;
  const Asked asked_;
  const Gone gone_;
  std::map<LocalPeer*, std::shared_ptr<LocalPeer>> peers_;
  std::unique_ptr<AgentSocket> socket_;
  std::thread thread_;
};

}  // namespace mnp::node
