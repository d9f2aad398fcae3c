// A roster with children that are played by the test, all in one loop.
#pragma once

#include <algorithm>
#include <map>
#include <optional>

#include "mnp/node/channel_client.hpp"
#include "mnp/node/roster.hpp"
#include "stage_fixture.hpp"

namespace mnp::node {

/// A child's end of its channel and what it has heard.
struct PlayedChild {
  std::unique_ptr<Channel> channel;
  std::vector<Frame> heard;
  bool closed = false;

  void say(Control what, std::string_view payload = {}) const {
    channel->send(static_cast<uint8_t>(what), payload);
  }
  const Frame* last(Control what) const {
    const auto found = std::find_if(heard.rbegin(), heard.rend(), [&](const Frame& frame) {
      return frame.type == static_cast<uint8_t>(what);
    });
    return found == heard.rend() ? nullptr : &*found;
  }
};

class RosterTest : public StageTest {
 protected:
  struct Loss {
    uint32_t node;
    TimePoint deal_again_at, seen;
    bool orderly;
  };
  RosterTest() { spec().lease = std::chrono::hours(1); }  // children that are played do not beat

  void open() {
    roster = std::make_unique<Roster>(
        loop, context, key, welcome_plan,
        Roster::Callbacks{[this](NodeIndex node) { changed.push_back(node.value()); },
                          [this](NodeIndex node, TimePoint again, bool orderly) {
                            losses.push_back({node.value(), again, Clock::now(), orderly});
                          },
                          [this](NodeIndex node, Control what, const std::string& payload) {
                            said.emplace_back(node.value(), what, payload);
                            if (on_said) on_said(node, what, payload);
                          },
                          [this] { return surely_owner; }});
    const auto listening = roster->listen();
    ASSERT_TRUE(listening) << listening.error().text;
  }
  void set_main_ready() {
    Join machine;
    machine.address = context.me.own_address;
    machine.cores = 2;
    roster->set_main(machine, 2, true);
  }
  /// Connected, and nothing said yet; null when main does not know the key.
  std::unique_ptr<PlayedChild> connect(uint32_t node, uint32_t incarnation = 1) {
    std::optional<Result<std::unique_ptr<Channel>>> result;
    const PeerIdentity who{context.me.job, context.me.attempt, NodeIndex(node),
                           Incarnation(incarnation), 0};
    const auto attempt =
        connect_channel(loop, {context.me.own_address, static_cast<uint16_t>(context.me.port)}, who,
                        key, Clock::now() + kHangs,
                        [&](Result<std::unique_ptr<Channel>> got) { result = std::move(got); });
    if (!until([&] { return result.has_value(); }) || !*result) {
      ADD_FAILURE() << "node " << node << " cannot connect";
      return nullptr;
    }
    auto child = std::make_unique<PlayedChild>();
    child->channel = std::move(**result);
    child->channel->start([raw = child.get()](Frame frame) { raw->heard.push_back(frame); },
                          [raw = child.get()](const Error&) { raw->closed = true; });
    return child;
  }
  static Join machine(uint32_t node) {
    Join join;
    join.host = fmt::format("host-{}", node);
    join.address = address(node);
    join.topology = "2 cores";
    join.cores = 2;
    return join;
  }
  /// Joined and ready.
  std::unique_ptr<PlayedChild> join(uint32_t node, uint32_t incarnation = 1) {
    auto child = connect(node, incarnation);
    child->say(Control::kJoin, encode(machine(node)));
    Ready ready;
    ready.slots = 2;
    child->say(Control::kReady, encode(ready));
    EXPECT_TRUE(until([&] {
      return state(node) == NodeState::kReady &&
             roster->at(NodeIndex(node)).incarnation == Incarnation(incarnation);
    }));
    return child;
  }
  NodeState state(uint32_t node) const { return roster->at(NodeIndex(node)).state; }
  const std::string& reason(uint32_t node) const { return roster->at(NodeIndex(node)).reason; }
  Milliseconds again_after_last_beat(const Loss& loss) const {
    return std::chrono::duration_cast<Milliseconds>(loss.deal_again_at -
                                                    roster->at(NodeIndex(loss.node)).last_beat);
  }

  JoinKey key = *JoinKey::make();
  std::string welcome_plan = "the plan";
  bool surely_owner = true;
  std::vector<uint32_t> changed;
  std::vector<Loss> losses;
  std::vector<std::tuple<uint32_t, Control, std::string>> said;
  std::function<void(NodeIndex, Control, const std::string&)> on_said;
  std::unique_ptr<Roster> roster;
};

}  // namespace mnp::node
