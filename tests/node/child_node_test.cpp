#include "mnp/node/child_node.hpp"

#include "node_orphans.hpp"
#include "roster_fixture.hpp"

namespace mnp::node {
namespace {

constexpr uint32_t kChild = 2;

/// A child and the roster of its main in one loop; what else main says is said by the test.
class ChildNodeTest : public RosterTest {
 protected:
  ChildNodeTest() {
    spec().lease = Milliseconds(60000);
    spec().beat = Milliseconds(50);
    spec().slots = 2;
    context.plan.name = "pipeline";
    context.plan.stages.front().commands = 1;
    welcome_plan = model::plan_to_json(context.plan);
    EXPECT_TRUE(context.store->put(context.attempt().join_key(), key.text()));

    Identity me = context.me;
    me.index = NodeIndex(kChild);
    me.main_address = context.me.own_address;
    me.own_address = address(kChild);
    own = *make_context(me, Incarnation(1));
    machine_.topology.cores = {{0}, {1}};
    machine_.topology.memory_bytes = uint64_t{4} << 30;
  }
  ~ChildNodeTest() override { child.reset(); }

  void start(Milliseconds taken_in = ChildNode::kTakenIn) {
    child = std::make_unique<ChildNode>(loop, own, machine_, shared_orphans(), keeper, taken_in);
    const auto opened = child->open();
    ASSERT_TRUE(opened) << opened.error().text;
    child->start();
  }
  /// In a stage whose main knows it.
  void join_main(Milliseconds taken_in = ChildNode::kTakenIn) {
    open();
    start(taken_in);
    ASSERT_TRUE(until([&] { return state(kChild) == NodeState::kReady; }));
  }
  void tell(Control what, std::string_view payload = {}) const {
    roster->send(NodeIndex(kChild), what, payload);
  }
  bool has_said(Control what, const std::string& payload) const {
    return std::count(said.begin(), said.end(), std::tuple(kChild, what, payload)) > 0;
  }
  /// What the keeper has been told: the exit status of the node; nullopt while there is none.
  std::optional<int> finished() {
    while (const auto heard = receive_from_agent(link.keeper))
      if (heard->finished) finished_ = heard->finished;
    return finished_;
  }

  Context own;
  LinkPair link = *make_keeper_link();
  KeeperLink keeper{std::move(link.agent), *LeasePage::open(link.memory)};
  std::unique_ptr<ChildNode> child;

 private:
  Machine machine_;
  std::optional<int> finished_;
};

TEST_F(ChildNodeTest, JoinsBeatsAndIsReady) {
  join_main(Milliseconds(3000));
  EXPECT_EQ(roster->at(NodeIndex(kChild)).slots, 2U);
  EXPECT_EQ(roster->at(NodeIndex(kChild)).machine.cores, 2U);
  EXPECT_EQ(own.owner, context.owner);
  EXPECT_EQ(own.plan.stages.size(), 1U);
  ASSERT_TRUE(until([&] { return link.page.deadline().has_value(); }));
  const LeaseTime first = *link.page.deadline();
  EXPECT_GT(first, own.me.lease_clock().now());
  EXPECT_TRUE(until([&] { return *link.page.deadline() > first; }));
  settle(Milliseconds(3200));  // longer than a main may be silent at first
  EXPECT_EQ(state(kChild), NodeState::kReady);
  EXPECT_EQ(finished(), std::nullopt);
}

TEST_F(ChildNodeTest, LeavesAMainThatSaysNothingAtFirst) {
  surely_owner = false;  // takes the node in, and acknowledges no beat
  open();
  const TimePoint begun = Clock::now();
  start(Milliseconds(3000));
  ASSERT_TRUE(until([&] { return state(kChild) == NodeState::kReady; }));
  EXPECT_FALSE(link.page.deadline());
  run_to_the_end();
  EXPECT_GE(Clock::now() - begun, Milliseconds(3000));
  EXPECT_EQ(child->status(), std::nullopt);
  EXPECT_EQ(finished(), std::nullopt) << "the node has not ended, its keeper starts another agent";
}

TEST_F(ChildNodeTest, SaysThatARankIsGoneWhichHasNotCome) {
  join_main();
  const TimePoint begun = Clock::now();
  tell(Control::kBeginEpoch, encode(BeginEpoch{EpochNumber(7), 2, 1, 100}));
  ASSERT_TRUE(until([&] { return has_said(Control::kRankGone, encode_u32(7)); }));
  EXPECT_GE(Clock::now() - begun, Milliseconds(100));
  EXPECT_EQ(state(kChild), NodeState::kReady);
}

TEST_F(ChildNodeTest, OnlyTheRankOfTheNewestEpochIsAwaited) {
  join_main();
  tell(Control::kBeginEpoch, encode(BeginEpoch{EpochNumber(7), 2, 1, 100}));
  tell(Control::kEndEpoch, encode_u32(7));
  tell(Control::kBeginEpoch, encode(BeginEpoch{EpochNumber(8), 2, 1, 200}));
  ASSERT_TRUE(until([&] { return has_said(Control::kRankGone, encode_u32(8)); }));
  EXPECT_FALSE(has_said(Control::kRankGone, encode_u32(7)));
  EXPECT_TRUE(has_said(Control::kEpochEnded, encode_u32(7)));
}

TEST_F(ChildNodeTest, AWelcomeThatMakesNoSenseIsTheNodesEnd) {
  for (const char* plan : {"the plan", R"({"run":"run-1","name":"p","folder":"/","stages":[]})"}) {
    welcome_plan = plan;
    open();
    start();
    run_to_the_end();
    EXPECT_EQ(child->status(), code_info(Code::kProtocol).exit_status) << plan;
    EXPECT_EQ(finished(), code_info(Code::kProtocol).exit_status) << plan;
    child.reset();
    roster.reset();
  }
}

TEST_F(ChildNodeTest, ARefusalIsTheNodesEnd) {
  own.me.index = NodeIndex(9);  // of 4
  open();
  start();
  run_to_the_end();
  EXPECT_EQ(child->status(), code_info(Code::kConfig).exit_status);
}

TEST_F(ChildNodeTest, WaitsForAMainThatComesLater) {
  ASSERT_TRUE(context.store->remove(context.attempt().join_key()));
  start();
  settle(Milliseconds(300));
  ASSERT_TRUE(context.store->put(context.attempt().join_key(), key.text()));
  settle(Milliseconds(300));
  open();
  EXPECT_TRUE(until([&] { return state(kChild) == NodeState::kReady; }));
}

TEST_F(ChildNodeTest, AStopBeforeMainIsFoundIsTheNodesEnd) {
  start();
  settle(Milliseconds(50));
  child->stop("stopped by SIGTERM");
  run_to_the_end();
  EXPECT_EQ(child->status(), code_info(Code::kStopped).exit_status);
  EXPECT_EQ(finished(), code_info(Code::kStopped).exit_status);
}

TEST_F(ChildNodeTest, AStopIsAGoodbyeAndMainHasTheLastWord) {
  join_main();
  child->stop("stopped by SIGTERM");
  ASSERT_TRUE(until([&] { return state(kChild) == NodeState::kLeft; }));
  ASSERT_EQ(losses.size(), 1U);
  EXPECT_TRUE(losses.front().orderly);
  EXPECT_EQ(finished(), std::nullopt);
  tell(Control::kEnd, encode(End{40, "the stage was stopped"}));
  run_to_the_end();
  EXPECT_EQ(child->status(), 40);
}

TEST_F(ChildNodeTest, MainsStatusIsItsOwn) {
  join_main();
  tell(Control::kEnd, encode(End{10, "3 of 9 commands failed"}));
  run_to_the_end();
  EXPECT_EQ(child->status(), 10);
  EXPECT_EQ(finished(), 10);
}

TEST_F(ChildNodeTest, GoesWhenItsLeaseEnds) {
  spec().lease = Milliseconds(3000);
  join_main();
  ASSERT_TRUE(until([&] { return link.page.deadline().has_value(); }));
  surely_owner = false;  // main, cut off from the store, prolongs nothing
  run_to_the_end();
  EXPECT_GT(own.me.lease_clock().now(), *link.page.deadline());
  EXPECT_EQ(child->status(), std::nullopt);
}

TEST_F(ChildNodeTest, GoesWithItsMainsConnection) {
  join_main();
  roster.reset();
  run_to_the_end();
  EXPECT_EQ(child->status(), std::nullopt);
  EXPECT_EQ(finished(), std::nullopt);
}

}  // namespace
}  // namespace mnp::node
