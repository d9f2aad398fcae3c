#include "mnp/node/roll_call.hpp"

#include "roster_fixture.hpp"

namespace mnp::node {
namespace {

class RollCallTest : public RosterTest {
 protected:
  RollCallTest() {
    on_said = [this](NodeIndex node, Control what, const std::string& payload) {
      if (what == Control::kPong) call->heard(node, payload);
    };
  }
  void begin(const std::vector<uint32_t>& nodes) {
    std::vector<NodeIndex> list;
    for (const uint32_t node : nodes) list.emplace_back(node);
    call->begin(list, NodeIndex(kMain), [this] { ++all_here; });
  }
  /// As a child does it.
  void answer(const PlayedChild& child) {
    ASSERT_TRUE(until([&] { return child.last(Control::kPing) != nullptr; }));
    child.say(Control::kPong, child.last(Control::kPing)->payload);
  }
  void open_call() {
    open();
    call = std::make_unique<RollCall>(*roster);
  }
  std::unique_ptr<RollCall> call;
  int all_here = 0;
};

TEST_F(RollCallTest, EndsWithTheLastAnswer) {
  open_call();
  const auto first = join(0), second = join(2);
  begin({kMain, 0, 2});
  answer(*first);
  settle(Milliseconds(50));
  EXPECT_EQ(all_here, 0);
  answer(*second);
  EXPECT_TRUE(until([&] { return all_here == 1; }));
}

TEST_F(RollCallTest, MainAloneIsHere) {
  open_call();
  begin({kMain});
  EXPECT_EQ(all_here, 1);
}

TEST_F(RollCallTest, ANodeThatIsGoneKeepsItOpenUntilItIsCancelled) {
  open_call();
  const auto alive = join(0);
  auto gone = join(2);
  gone.reset();
  ASSERT_TRUE(until([&] { return state(2) == NodeState::kLost; }));
  begin({kMain, 0, 2});
  answer(*alive);
  settle(Milliseconds(50));
  EXPECT_EQ(all_here, 0);
  call->cancel();
  call->heard(NodeIndex(2), encode_u64(1));
  EXPECT_EQ(all_here, 0);
}

TEST_F(RollCallTest, AnAnswerToAnEarlierCallSaysNothing) {
  open_call();
  const auto child = join(2);
  begin({2});
  ASSERT_TRUE(until([&] { return child->last(Control::kPing) != nullptr; }));
  const std::string old = child->last(Control::kPing)->payload;
  begin({2});
  child->say(Control::kPong, old);
  settle(Milliseconds(50));
  EXPECT_EQ(all_here, 0);
  answer(*child);
  EXPECT_TRUE(until([&] { return all_here == 1; }));
}

}  // namespace
}  // namespace mnp::node
