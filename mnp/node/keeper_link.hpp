// Between a node's keeper and the agent it starts: a page of memory for what holds at the moment,
// and packets on a socket pair for what has happened.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mnp/core/clock.hpp"
#include "mnp/core/fd.hpp"
#include "mnp/core/result.hpp"
#include "mnp/node/lease_page.hpp"

namespace mnp::node {

/// Exit status of an agent that has said why it ends and asks for another to be started.
inline constexpr int kStartAgain = 1;

/// The agent's end. Every call may be made from any thread and never blocks.
class KeeperLink {
 public:
  KeeperLink(Fd fd, LeasePage page) : fd_(std::move(fd)), page_(std::move(page)) {}
  /// Should no later deadline come in time, the keeper ends this agent and all it started. An
  /// earlier one changes nothing. Of the clock of Identity::lease_clock.
  void set_deadline(LeaseTime deadline);
  /// A suspect runs alone on this node, or does not any more: a death meanwhile is not counted.
  void set_suspect(bool runs) { page_.set_suspect(runs); }
  /// The keeper holds it for the agents that come after this one.
  void keep_key(std::string_view key);
  /// The agent is about to exit in order: its status is the node's.
  void finished(int status);
  /// What an earlier agent of this node gave to `keep_key`: there from the start when the keeper
  /// passed "--key-kept". To be taken once.
  std::optional<std::string> kept_key();

 private:
  Fd fd_;
  LeasePage page_;
};

/// What the keeper hears; nothing: the page has its first deadline now.
struct FromAgent {
  std::optional<std::string> key;
  std::optional<int> finished;
};

struct LinkPair {
  Fd keeper, agent;
  LeasePage page;  // the keeper's
  Fd memory;       // the page, for the agent
};
Result<LinkPair> make_keeper_link();
/// For the agent that will hold the other end; to be called before it starts.
void hand_on_key(const Fd& keeper, std::string_view key);
/// The next packet that waits on the keeper's end; nullopt when there is none.
std::optional<FromAgent> receive_from_agent(const Fd& fd);

}  // namespace mnp::node
