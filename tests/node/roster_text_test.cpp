#include <nlohmann/json.hpp>

#include "roster_fixture.hpp"

namespace mnp::node {
namespace {

using RosterText = RosterTest;

TEST_F(RosterText, SaysWhoIsMissingAndWhy) {
  open();
  EXPECT_EQ(roster->missing_text(),
            "node 0 (never joined), node 1 (never joined), "
            "node 2 (never joined), node 3 (never joined)");
  set_main_ready();
  const auto prepares = connect(0);
  ASSERT_TRUE(until([&] { return state(0) == NodeState::kJoined; }));
  auto gone = join(2);
  gone.reset();
  ASSERT_TRUE(until([&] { return state(2) == NodeState::kLost; }));
  EXPECT_EQ(roster->missing_text(),
            "node 0 (still prepares), node 2 (lost: its connection closed),"
            " node 3 (never joined)");
}

TEST_F(RosterText, NodesJsonHoldsWhatIsKnownOfEachNode) {
  open();
  set_main_ready();
  const auto child = join(3, 2);
  roster->note_epoch(NodeIndex(3), EpochNumber(1));
  roster->note_epoch(NodeIndex(3), EpochNumber(2));
  const auto nodes = nlohmann::json::parse(roster->to_json()).at("nodes");
  ASSERT_EQ(nodes.size(), 4U);
  EXPECT_EQ(nodes[0], (nlohmann::json{{"node", 0}, {"state", "missing"}}));
  EXPECT_EQ(nodes[1].at("state"), "ready");
  EXPECT_EQ(nodes[1].at("address"), context.me.own_address);
  EXPECT_EQ(nodes[3].at("incarnation"), 2);
  EXPECT_EQ(nodes[3].at("host"), "host-3");
  EXPECT_EQ(nodes[3].at("machine"), "2 cores");
  EXPECT_EQ(nodes[3].at("slots"), 2);
  EXPECT_EQ(nodes[3].at("epochs"), (nlohmann::json{1, 2}));
  EXPECT_FALSE(nodes[3].contains("reason"));
}

TEST_F(RosterText, ABadNodeIsNamedWithItsReason) {
  open();
  set_main_ready();
  const auto child = join(3);
  EXPECT_EQ(roster->bad_text(), "");
  EXPECT_EQ(roster->count_bad(), 0U);
  roster->note_bad(NodeIndex(3), "its commands fail");
  EXPECT_EQ(roster->bad_text(), "node 3 (bad: its commands fail)");
  EXPECT_EQ(roster->count_bad(), 1U);
  const auto nodes = nlohmann::json::parse(roster->to_json()).at("nodes");
  EXPECT_EQ(nodes[3].at("state"), "ready");
  EXPECT_EQ(nodes[3].at("bad"), "its commands fail");
  EXPECT_FALSE(nodes[1].contains("bad"));
}

TEST_F(RosterText, AHostNameThatIsNoTextDoesNotBreakIt) {
  open();
  const auto child = connect(2);
  Join odd = machine(2);
  odd.host = "h\xff\"\n";
  child->say(Control::kJoin, encode(odd));
  ASSERT_TRUE(until([&] { return !changed.empty(); }));
  EXPECT_EQ(nlohmann::json::parse(roster->to_json()).at("nodes")[2].at("state"), "joined");
}

}  // namespace
}  // namespace mnp::node
