// The nodes of an attempt as main knows them: who has joined, who is ready, who is lost.
//
//   missing -> joined (prepares) -> ready -> left      (a goodbye: nothing of it runs any more)
//                    |                |  \-> lost      (closed, silent, replaced)
//                    '-> unfit        lost, left -> joined (a higher incarnation)
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mnp/core/loop.hpp"
#include "mnp/node/channel_server.hpp"
#include "mnp/node/context.hpp"
#include "mnp/node/control.hpp"
#include "mnp/node/join_key.hpp"

namespace mnp::node {

enum class NodeState : uint8_t { kMissing, kJoined, kReady, kUnfit, kLost, kLeft };

/// Beyond a lease, before anything that ran under it is dealt again.
inline constexpr Milliseconds kLeaseMargin{1000};

struct RosterNode {
  NodeState state = NodeState::kMissing;
  Incarnation incarnation{0};
  Join machine;
  uint32_t slots = 0;
  std::string reason;  // why it is lost, or unfit
  Code code = Code::kNodesLost;
  TimePoint last_beat{};             // that was acknowledged
  std::optional<std::string> beat;   // the newest that was not
  std::unique_ptr<Channel> channel;  // none: main itself, or not connected
  std::vector<EpochNumber> epochs;
  std::string bad;  // why it gets no commands; empty while it does
};

/// Lives in the agent's loop.
class Roster {
 public:
  struct Callbacks {
    std::function<void(NodeIndex)> changed;  // joined, ready, unfit
    /// No deal may reach the node any more. What was dealt to it can be dealt again from
    /// `deal_again_at` on: nothing of it runs any more by then. `orderly`: it said goodbye.
    std::function<void(NodeIndex, TimePoint deal_again_at, bool orderly)> lost;
    std::function<void(NodeIndex, Control, const std::string& payload)> said;  // all other frames
    std::function<bool()> may_acknowledge;  // asked at every beat
  };
  Roster(Loop& loop, const Context& context, const JoinKey& key, std::string welcome_plan,
         Callbacks callbacks);
  ~Roster();

  Status listen();
  /// Main itself has joined, or is ready.
  void set_main(const Join& machine, uint32_t slots, bool ready);
  void set_main_address(const std::string& address);

  void send(NodeIndex node, Control what, std::string_view payload = {});
  void send_all(Control what, std::string_view payload = {});
  /// Ends the connection of a node that main gives up.
  void give_up(NodeIndex node, const std::string& reason);
  /// Beats that could not be acknowledged when they came: now they may be.
  void acknowledge_all();
  /// The stage is over: nodes that leave are not lost.
  void expect_goodbyes() { ending_ = true; }

  const RosterNode& at(NodeIndex node) const { return nodes_.at(node.value()); }
  void note_epoch(NodeIndex node, EpochNumber epoch);
  void note_bad(NodeIndex node, std::string reason) {
    nodes_.at(node.value()).bad = std::move(reason);
  }
  /// Nodes that can be dealt to, main first, then by index.
  std::vector<NodeIndex> ready() const;
  size_t count(NodeState state) const;
  size_t connected() const;  // children
  size_t count_bad() const;  // among those that are ready
  /// How long commands may still run on nodes that were lost, and, `of_ready`, on those that have
  /// not said goodbye; 0: on none.
  std::chrono::duration<double> may_run_for(bool of_ready) const;
  /// "node 3 (never joined), node 5 (lost: its connection closed)"
  std::string missing_text() const;
  /// "node 3 (bad: 7 commands in a row have failed on it ...)"
  std::string bad_text() const;
  /// The node whose address this is; none: nullopt.
  std::optional<NodeIndex> find_address(const std::string& address) const;
  /// nodes.json.
  std::string to_json() const;

 private:
  void take_joining(const PeerIdentity& identity, std::unique_ptr<Channel> channel);
  void refuse(std::unique_ptr<Channel> channel, const std::string& why);
  std::string why_not(const PeerIdentity& identity) const;
  void on_frame(NodeIndex node, const Frame& frame);
  void on_join(NodeIndex node, const std::string& payload);
  void acknowledge(NodeIndex index);
  void on_ready(NodeIndex node, const std::string& payload);
  void on_closed(NodeIndex node, const Error& error);
  void lose(NodeIndex node, std::string reason, TimePoint deal_again_at, bool orderly);
  void look_for_silent();
  void judge_silent();

  Loop& loop_;
  const Context& context_;
  const JoinKey key_;
  const std::string welcome_plan_;
  Callbacks callbacks_;
  std::vector<RosterNode> nodes_;
  std::map<Channel*, std::unique_ptr<Channel>> refused_;  // until they have read why
  std::unique_ptr<ChannelServer> server_;
  Loop::TimerId silence_timer_ = 0;
  bool ending_ = false;
};

}  // namespace mnp::node
