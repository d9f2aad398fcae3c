#include "mnp/node/input_broadcast.hpp"

#include "mnp/node/inputs.hpp"
#include "stage_fixture.hpp"

namespace mnp::node {
namespace {

class InputBroadcastTest : public StageTest {
 protected:
  InputBroadcastTest() {
    spec().inputs = {
        {"scan", "/nowhere", false, false}, {"center", "", false, true}, {"flat", "", false, true}};
    for (const char* name : {"center", "flat"}) {
      const fs::path file = folder.path() / name;
      EXPECT_TRUE(replace_file(file, name));
      EXPECT_TRUE(link_broadcast(context.scratch.inputs(), name, file));
    }
  }
  static std::vector<NodeIndex> nodes(std::initializer_list<uint32_t> numbers) {
    std::vector<NodeIndex> list;
    for (const uint32_t number : numbers) list.emplace_back(number);
    return list;
  }
  void begin(uint32_t epoch, std::initializer_list<uint32_t> members) {
    orders.clear();
    broadcast.begin(EpochNumber(epoch), nodes(members));
  }
  void held(uint32_t node) {
    for (const auto& order : orders) broadcast.held(NodeIndex(node), order.id);
  }
  void done() {
    for (const auto& order : orders) broadcast.done({order.id, "", 0});
  }

  std::vector<model::BroadcastOrder> orders;
  int times_held = 0;
  std::string failure;
  InputBroadcast broadcast{
      context,
      {[this](const model::BroadcastOrder& order) { orders.push_back(order); },
       [this] { ++times_held; }, [this](const Error& error) { failure = error.text; }}};
};

TEST_F(InputBroadcastTest, IsDoneOnceEveryAgentHoldsEveryInput) {
  begin(2, {0, kMain, 3});
  ASSERT_EQ(orders.size(), 2u);
  EXPECT_EQ(orders[0].source, (folder.path() / "center").string());
  for (size_t i = 0; i < orders.size(); ++i) {
    const auto arrival = arrival_of(spec(), orders[i].id);
    ASSERT_TRUE(arrival);
    EXPECT_EQ(arrival->input, spec().inputs[i + 1].name);
    EXPECT_EQ(arrival->folder, orders[i].name);
    EXPECT_EQ(arrival->folder, spec().inputs[i + 1].name + ".2");
  }
  done();
  held(0);
  broadcast.held(NodeIndex(3), orders[1].id);
  EXPECT_TRUE(broadcast.under_way());
  EXPECT_EQ(times_held, 0);
  EXPECT_FALSE(broadcast.all_hold(nodes({0, 3})));
  broadcast.held(NodeIndex(3), orders[0].id);
  EXPECT_EQ(times_held, 1);
  EXPECT_FALSE(broadcast.under_way());
  EXPECT_TRUE(broadcast.all_hold(nodes({0, kMain, 3})));
}

TEST_F(InputBroadcastTest, MainWaitsForItsRankToo) {
  begin(1, {kMain, 3});
  held(3);
  EXPECT_EQ(times_held, 0);
  done();
  EXPECT_EQ(times_held, 1);
}

TEST_F(InputBroadcastTest, IsSentAgainOnlyForNodesWithoutIt) {
  begin(1, {kMain, 3});
  held(3);
  done();
  begin(2, {kMain, 3});
  EXPECT_TRUE(orders.empty());
  EXPECT_EQ(times_held, 2);
  broadcast.lost(NodeIndex(3));
  begin(3, {kMain, 3});
  EXPECT_EQ(orders.size(), 2u);
}

TEST_F(InputBroadcastTest, WhatAnEndedEpochSaysIsOfNoInterest) {
  begin(1, {kMain, 3});
  const auto earlier = orders;
  broadcast.interrupt();
  EXPECT_FALSE(broadcast.under_way());
  begin(2, {kMain, 3});
  for (const auto& order : earlier) {
    broadcast.done({order.id, "", 0});
    broadcast.held(NodeIndex(3), order.id);
  }
  EXPECT_EQ(times_held, 0);
  EXPECT_FALSE(broadcast.all_hold(nodes({3})));
  broadcast.done({earlier[0].id, "is gone", static_cast<uint8_t>(Code::kConfig)});
  EXPECT_EQ(failure, "");
}

TEST_F(InputBroadcastTest, FailuresAreSaid) {
  begin(1, {kMain, 3});
  broadcast.done({orders[0].id, "disk full", static_cast<uint8_t>(Code::kIo)});
  EXPECT_EQ(failure, "broadcast of an input: disk full");
  ASSERT_TRUE(remove_tree(folder.path() / "center"));
  begin(2, {kMain, 3});
  EXPECT_NE(failure.find("center"), std::string::npos) << failure;
  EXPECT_EQ(times_held, 0);
}

TEST_F(InputBroadcastTest, NothingToSendIsHeldAtOnce) {
  begin(0, {kMain});
  EXPECT_EQ(times_held, 1);
  spec().inputs.resize(1);
  EXPECT_FALSE(broadcast.any());
  begin(1, {0, kMain, 3});
  EXPECT_TRUE(orders.empty());
  EXPECT_EQ(times_held, 2);
}

TEST_F(InputBroadcastTest, AnIdOfNoInputIsNone) {
  EXPECT_FALSE(arrival_of(spec(), 4096 + 3));
}

}  // namespace
}  // namespace mnp::node
