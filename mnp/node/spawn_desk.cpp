#include "mnp/node/spawn_desk.hpp"

#include <utility>

#include <fmt/format.h>

#include "mnp/core/log.hpp"

namespace mnp::node {

void SpawnDesk::ask(std::shared_ptr<LocalPeer> peer, const SpawnRequest& request,
                    EpochNumber epoch) {
  const auto node = roster_.find_address(request.host);
  if (!node || roster_.at(*node).state != NodeState::kReady || epoch == EpochNumber(0)) {
    const std::string why =
        !node ? "is not a node of this job"
              : (epoch == EpochNumber(0) ? "no MPI world may start now" : "is not ready");
    return say_last(std::move(peer), SpawnFrame::kRefused, request.host + " " + why);
  }
  const uint64_t id = ++last_id_;
  log::debug("mnp-rsh: {} on node {}", request.program, node->value());
  peer->on_closed = [this, id] {
    const auto found = spawns_.find(id);
    if (found == spawns_.end()) return;
    const NodeIndex on = found->second.node;
    found->second.peer = nullptr;
    if (on == main_) return here_.stop(id);
    roster_.send(on, Control::kSpawnStop, with_spawn_id(id, {}));
  };
  peer->on_frame = [](const Frame&) {};
  spawns_[id] = Spawn{std::move(peer), *node};
  if (*node == main_)
    return here_.start(id, epoch, request, [this, id](SpawnFrame type, std::string_view payload) {
      say(id, type, payload);
    });
  roster_.send(*node, Control::kSpawn, with_spawn_id(id, encode(request)));
}

void SpawnDesk::say(uint64_t id, SpawnFrame type, std::string_view payload) {
  const auto found = spawns_.find(id);
  if (found == spawns_.end()) return;
  const std::shared_ptr<LocalPeer> peer = found->second.peer;
  if (type == SpawnFrame::kExited) note_exit(found->second.node, payload);
  const bool last = type == SpawnFrame::kExited || type == SpawnFrame::kRefused;
  if (last) spawns_.erase(found);
  if (peer == nullptr) return;
  if (last) return say_last(peer, type, payload);
  peer->send(static_cast<uint8_t>(type), payload);
}

/// The client closes once it has read this, which may wait behind much else.
void SpawnDesk::say_last(std::shared_ptr<LocalPeer> peer, SpawnFrame type,
                         std::string_view payload) {
  peer->on_frame = [](const Frame&) {};
  peer->on_closed = [this, raw = peer.get()] {
    std::erase_if(leaving_, [raw](const auto& each) { return each.get() == raw; });
  };
  peer->send(static_cast<uint8_t>(type), payload);
  leaving_.push_back(std::move(peer));
}

void SpawnDesk::note_exit(NodeIndex node, std::string_view payload) {
  const auto exit = decode_spawn_exit(payload);
  if (!exit || exit->stopped || exit->status() == 0) return;
  if (failed_.empty())
    failed_ = fmt::format("its MPI daemon on node {} ended with {} {}", node.value(),
                          exit->signal != 0 ? "signal" : "exit",
                          exit->signal != 0 ? exit->signal : exit->code);
}

void SpawnDesk::begin_epoch() {
  spawns_.clear();
  leaving_.clear();
  failed_.clear();
}

void SpawnDesk::heard(NodeIndex node, Control what, const std::string& payload) {
  const auto message = split_spawn_id(payload);
  if (!message) return roster_.give_up(node, message.error().text);
  const auto found = spawns_.find(message->id);
  if (found == spawns_.end() || found->second.node != node) return;
  say(message->id, static_cast<SpawnFrame>(what), message->payload);
}

void SpawnDesk::lost(NodeIndex node) {
  std::vector<uint64_t> ids;
  for (const auto& [id, spawn] : spawns_)
    if (spawn.node == node) ids.push_back(id);
  for (const uint64_t id : ids) say(id, SpawnFrame::kRefused, "its node is lost");
}

}  // namespace mnp::node
