#include "mnp/node/roster.hpp"

#include "roster_fixture.hpp"

namespace mnp::node {
namespace {

TEST_F(RosterTest, ANodeJoinsIsWelcomedAndGetsReady) {
  spec().lease = Milliseconds(9000);
  spec().beat = Milliseconds(700);
  open();
  const auto child = connect(3);
  EXPECT_TRUE(until([&] { return state(3) == NodeState::kJoined; }));
  child->say(Control::kJoin, encode(machine(3)));
  ASSERT_TRUE(until([&] { return child->last(Control::kWelcome) != nullptr; }));
  const auto welcome = decode_welcome(child->last(Control::kWelcome)->payload);
  ASSERT_TRUE(welcome);
  EXPECT_EQ(welcome->plan, "the plan");
  EXPECT_EQ(welcome->owner, context.owner);
  EXPECT_EQ(welcome->lease_ms, 9000U);
  EXPECT_EQ(welcome->beat_ms, 700U);
  Ready ready;
  ready.slots = 5;
  child->say(Control::kReady, encode(ready));
  ASSERT_TRUE(until([&] { return state(3) == NodeState::kReady; }));
  EXPECT_EQ(roster->at(NodeIndex(3)).slots, 5U);
  EXPECT_EQ(roster->at(NodeIndex(3)).machine.host, "host-3");
  EXPECT_EQ(changed, (std::vector<uint32_t>{3, 3}));
  EXPECT_EQ(roster->find_address(address(3)), NodeIndex(3));
  EXPECT_EQ(roster->find_address("10.9.9.9"), std::nullopt);
}

TEST_F(RosterTest, OnlyAGoodbyeTellsThatNothingRunsThereAnyMore) {
  spec().lease = Milliseconds(60000);
  open();
  set_main_ready();
  EXPECT_EQ(roster->may_run_for(true).count(), 0);
  const auto third = join(3), first = join(0);
  EXPECT_EQ(roster->may_run_for(false).count(), 0);
  EXPECT_GT(roster->may_run_for(true).count(), 30);
  third->channel->close();
  ASSERT_TRUE(until([&] { return state(3) == NodeState::kLost; }));
  first->say(Control::kGoodbye);
  ASSERT_TRUE(until([&] { return state(0) == NodeState::kLeft; }));
  for (const bool of_ready : {false, true}) {
    EXPECT_GT(roster->may_run_for(of_ready).count(), 30);
    EXPECT_LE(roster->may_run_for(of_ready).count(), 61);
  }
}

TEST_F(RosterTest, ReadyNodesAreMainFirstThenByIndex) {
  open();
  const auto third = join(3), first = join(0);
  EXPECT_EQ(roster->ready(), (std::vector{NodeIndex(0), NodeIndex(3)}));
  set_main_ready();
  EXPECT_EQ(roster->ready(), (std::vector{NodeIndex(kMain), NodeIndex(0), NodeIndex(3)}));
  EXPECT_EQ(roster->count(NodeState::kReady), 3U);
  EXPECT_EQ(roster->count(NodeState::kMissing), 1U);
  EXPECT_EQ(roster->connected(), 2U);
}

TEST_F(RosterTest, WrongIndexesAreRefusedWithAReason) {
  open();
  const auto beyond = connect(4), main = connect(kMain);
  for (const auto& child : {beyond.get(), main.get()}) {
    ASSERT_TRUE(until([&] { return child->closed; }));
    ASSERT_NE(child->last(Control::kRefused), nullptr);
  }
  EXPECT_NE(beyond->last(Control::kRefused)->payload.find("there is no node 4"), std::string::npos);
  EXPECT_NE(main->last(Control::kRefused)->payload.find("main's own"), std::string::npos);
  EXPECT_TRUE(changed.empty());
  EXPECT_TRUE(losses.empty());
}

TEST_F(RosterTest, ASameOrLowerIncarnationIsRefusedAndHarmsNobody) {
  open();
  const auto child = join(2, 2);
  for (const uint32_t incarnation : {1U, 2U}) {
    const auto twin = connect(2, incarnation);
    ASSERT_TRUE(until([&] { return twin->closed; }));
    ASSERT_NE(twin->last(Control::kRefused), nullptr);
    EXPECT_NE(twin->last(Control::kRefused)->payload.find("incarnation 2"), std::string::npos);
  }
  EXPECT_EQ(state(2), NodeState::kReady);
  EXPECT_FALSE(child->closed);
  EXPECT_TRUE(losses.empty());
}

TEST_F(RosterTest, AHigherIncarnationReplacesTheLower) {
  open();
  const auto old = join(2);
  const auto started_again = join(2, 2);
  ASSERT_EQ(losses.size(), 1U);
  EXPECT_LE(losses[0].deal_again_at, losses[0].seen);  // its keeper has ended everything
  EXPECT_FALSE(losses[0].orderly);
  EXPECT_TRUE(until([&] { return old->closed; }));
  EXPECT_FALSE(started_again->closed);
}

TEST_F(RosterTest, ANodeThatWasLostMayJoinAgain) {
  open();
  auto child = join(2);
  child.reset();
  ASSERT_TRUE(until([&] { return state(2) == NodeState::kLost; }));
  const auto again = join(2, 2);
  EXPECT_EQ(losses.size(), 1U);
}

TEST_F(RosterTest, BeatsAreAcknowledgedAsTheyWereSentUntilMainMayNot) {
  open();
  const auto child = join(2);
  const TimePoint before = Clock::now();
  child->say(Control::kBeat, encode_u64(123456789));
  ASSERT_TRUE(until([&] { return child->last(Control::kBeatAck) != nullptr; }));
  EXPECT_EQ(*decode_u64(child->last(Control::kBeatAck)->payload), 123456789U);
  EXPECT_GE(roster->at(NodeIndex(2)).last_beat, before);
  child->heard.clear();
  surely_owner = false;
  child->say(Control::kBeat, encode_u64(2));
  child->say(Control::kBell, encode_u32(0));
  ASSERT_TRUE(until([&] { return !said.empty(); }));  // the beat came before it
  settle(Milliseconds(20));
  EXPECT_EQ(child->last(Control::kBeatAck), nullptr);
  surely_owner = true;
  roster->acknowledge_all();
  ASSERT_TRUE(until([&] { return child->last(Control::kBeatAck) != nullptr; }));
  EXPECT_EQ(*decode_u64(child->last(Control::kBeatAck)->payload), 2U);
  child->heard.clear();
  roster->acknowledge_all();
  settle(Milliseconds(20));
  EXPECT_EQ(child->last(Control::kBeatAck), nullptr) << "once";
}

TEST_F(RosterTest, ASilentNodeIsLostBeforeItsCommandsMayBeDealtAgain) {
  spec().lease = Milliseconds(2000);
  spec().beat = Milliseconds(50);
  open();
  const auto silent = join(2), alive = join(3);
  loop.every(Milliseconds(50), [&] { alive->say(Control::kBeat, encode_u64(1)); });
  ASSERT_TRUE(until([&] { return !losses.empty(); }));
  EXPECT_EQ(losses[0].node, 2U);
  EXPECT_FALSE(losses[0].orderly);
  EXPECT_EQ(again_after_last_beat(losses[0]), spec().lease + Milliseconds(1000));
  EXPECT_GE(losses[0].seen - roster->at(NodeIndex(2)).last_beat, spec().lease);
  EXPECT_LE(losses[0].seen, losses[0].deal_again_at);
  EXPECT_EQ(reason(2).rfind("silent for", 0), 0U);
  EXPECT_TRUE(until([&] { return silent->closed; }));
  settle(Milliseconds(500));
  EXPECT_EQ(losses.size(), 1U);
  EXPECT_EQ(state(3), NodeState::kReady);
}

TEST_F(RosterTest, AMainThatStalledReadsWhatHasArrivedBeforeItJudges) {
  spec().lease = Milliseconds(2000);
  spec().beat = Milliseconds(50);
  open();
  const auto child = join(2);
  child->say(Control::kBeat, encode_u64(1));
  settle(Milliseconds(30));
  child->say(Control::kBeat, encode_u64(2));  // arrives while main does not look
  std::this_thread::sleep_for(spec().lease + Milliseconds(200));
  loop.run_once(Clock::now() + Milliseconds(1));
  ASSERT_TRUE(until([&] {
    return !losses.empty() || (child->last(Control::kBeatAck) != nullptr &&
                               *decode_u64(child->last(Control::kBeatAck)->payload) == 2);
  }));
  EXPECT_TRUE(losses.empty());
}

TEST_F(RosterTest, AClosedConnectionIsALossAtOnce) {
  open();
  auto child = join(2);
  const TimePoint before = Clock::now();
  child.reset();
  ASSERT_TRUE(until([&] { return !losses.empty(); }));
  EXPECT_LT(losses[0].seen - before, std::chrono::seconds(1));
  EXPECT_EQ(again_after_last_beat(losses[0]), spec().lease + Milliseconds(1000));
  EXPECT_EQ(state(2), NodeState::kLost);
  EXPECT_EQ(reason(2), "its connection closed");
}

TEST_F(RosterTest, AGoodbyeIsOrderlyAndTheNodeStaysToHearTheEnd) {
  open();
  auto child = join(2);
  child->say(Control::kGoodbye, "drained");
  ASSERT_TRUE(until([&] { return !losses.empty(); }));
  EXPECT_TRUE(losses[0].orderly);
  EXPECT_LE(losses[0].deal_again_at, losses[0].seen);
  EXPECT_EQ(state(2), NodeState::kLeft);
  roster->send_all(Control::kEnd, encode(End{40, "stopped"}));
  ASSERT_TRUE(until([&] { return child->last(Control::kEnd) != nullptr; }));
  child.reset();
  ASSERT_TRUE(until([&] { return roster->connected() == 0; }));
  EXPECT_EQ(losses.size(), 1U);
}

TEST_F(RosterTest, ANodeThatMainGivesUpIsCutOff) {
  open();
  const auto child = join(2);
  roster->give_up(NodeIndex(2), "it does not end its MPI processes");
  ASSERT_EQ(losses.size(), 1U);
  EXPECT_EQ(again_after_last_beat(losses[0]), spec().lease + Milliseconds(1000));
  EXPECT_TRUE(until([&] { return child->closed; }));
  roster->give_up(NodeIndex(2), "again");
  EXPECT_EQ(losses.size(), 1U);
  EXPECT_EQ(reason(2), "it does not end its MPI processes");
}

TEST_F(RosterTest, NonsenseCostsANodeItsPlace) {
  open();
  const auto first = connect(2), second = connect(3);
  first->say(Control::kJoin, "x");
  second->say(Control::kReady, "x");
  EXPECT_TRUE(until([&] { return losses.size() == 2; }));
  EXPECT_TRUE(until([&] { return first->closed && second->closed; }));
}

TEST_F(RosterTest, ANodeThatCannotTakePartIsUnfit) {
  open();
  const auto child = connect(2);
  child->say(Control::kJoin, encode(machine(2)));
  Ready ready;
  ready.error = "setup: exit 1";
  ready.code = static_cast<uint32_t>(Code::kConfig);
  child->say(Control::kReady, encode(ready));
  ASSERT_TRUE(until([&] { return state(2) == NodeState::kUnfit; }));
  EXPECT_EQ(reason(2), "setup: exit 1");
  EXPECT_EQ(roster->at(NodeIndex(2)).code, Code::kConfig);
  EXPECT_TRUE(roster->ready().empty());
  EXPECT_TRUE(losses.empty());
}

TEST_F(RosterTest, OtherFramesAreHandedOn) {
  open();
  const auto child = join(2);
  child->say(Control::kEpochEnded, encode_u32(7));
  ASSERT_TRUE(until([&] { return !said.empty(); }));
  EXPECT_EQ(said[0], std::tuple(2U, Control::kEpochEnded, encode_u32(7)));
  roster->send(NodeIndex(2), Control::kDrain);
  roster->send(NodeIndex(3), Control::kDrain);  // nobody is there
  EXPECT_TRUE(until([&] { return child->last(Control::kDrain) != nullptr; }));
}

TEST_F(RosterTest, NobodyIsLetInOnceTheStageIsOver) {
  open();
  roster->expect_goodbyes();
  const auto late = connect(2);
  ASSERT_TRUE(until([&] { return late->closed; }));
  ASSERT_NE(late->last(Control::kRefused), nullptr);
  EXPECT_EQ(late->last(Control::kRefused)->payload, "the stage is over");
}

TEST_F(RosterTest, AnAddressThatIsTakenIsAnError) {
  open();
  Roster second(loop, context, key, "", {});
  EXPECT_FALSE(second.listen());
}

}  // namespace
}  // namespace mnp::node
