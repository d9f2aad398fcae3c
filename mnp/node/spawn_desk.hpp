// Main's desk for mnp-rsh: which node is meant, and the daemon's words on their way back.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mnp/node/agent_socket.hpp"
#include "mnp/node/control.hpp"
#include "mnp/node/daemon_host.hpp"
#include "mnp/node/roster.hpp"

namespace mnp::node {

/// Lives in main's loop.
class SpawnDesk {
 public:
  SpawnDesk(Roster& roster, DaemonHost& here, NodeIndex main)
      : roster_(roster), here_(here), main_(main) {}

  /// An mnp-rsh of this node asks. Refused when the host is not a node of the epoch under way.
  void ask(std::shared_ptr<LocalPeer> peer, const SpawnRequest& request, EpochNumber epoch);
  /// A child says how a daemon goes: kSpawnStderr and the like.
  void heard(NodeIndex node, Control what, const std::string& payload);
  /// What was started there has ended with it.
  void lost(NodeIndex node);

  /// An epoch begins: of what earlier ones have started nothing is left.
  void begin_epoch();
  /// Whether every daemon of the epoch has ended.
  bool idle() const { return spawns_.empty(); }
  /// The first daemon of the epoch that has failed without our doing, in words; "" while there is
  /// none. Open MPI 5 ends its job then, and says 0.
  const std::string& failed() const { return failed_; }

 private:
  struct Spawn {
    std::shared_ptr<LocalPeer> peer;  // nullptr: it has gone, its daemon is being ended
    NodeIndex node;
  };
  void say_last(std::shared_ptr<LocalPeer> peer, SpawnFrame type, std::string_view payload);
  void note_exit(NodeIndex node, std::string_view payload);
  void say(uint64_t id, SpawnFrame type, std::string_view payload);

  Roster& roster_;
  DaemonHost& here_;
  const NodeIndex main_;
  std::map<uint64_t, Spawn> spawns_;
  std::vector<std::shared_ptr<LocalPeer>> leaving_;  // have their last word to read
  uint64_t last_id_ = 0;                             // 0 is mpirun itself
  std::string failed_;
};

}  // namespace mnp::node
