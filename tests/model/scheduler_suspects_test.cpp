// Commands under which nodes die: suspects run alone, the third loss poisons.
#include "tests/model/scheduler_fixture.hpp"

namespace mnp::model {
namespace {

class SchedulerSuspects : public SchedulerCase {
 protected:
  /// Two losses of command 0 on a node of its own.
  void make_suspect(uint32_t commands) {
    make(commands);
    for (uint32_t node = 100; node < 102; ++node) {
      add(node);
      ASSERT_EQ(dealt_to(deal(), node), Indexes{0});
      ASSERT_TRUE(lose(node).empty());
    }
  }
};

TEST_F(SchedulerSuspects, SecondLossMakesASuspectThatRunsAlone) {
  make_suspect(4);
  add(0, 3);
  const auto deals = deal();
  ASSERT_EQ(deals.size(), 1u);
  EXPECT_TRUE(deals[0].suspect);
  EXPECT_EQ(dealt_to(deals, 0), Indexes{0});
  EXPECT_TRUE(deal().empty()) << "two slots are free, and stay so";
  end(0, 0);
  EXPECT_EQ(dealt_to(deal(), 0), (Indexes{1, 2, 3}));
  EXPECT_EQ(state(0), CommandState::kSucceeded);
}

TEST_F(SchedulerSuspects, ThirdLossPoisons) {
  make_suspect(2);
  add(0);
  ASSERT_EQ(dealt_to(deal(), 0), Indexes{0});
  EXPECT_EQ(lose(0), std::vector<CommandIndex>{CommandIndex(0)});
  EXPECT_EQ(state(0), CommandState::kPoisoned);
  EXPECT_EQ(scheduler().counts().poisoned, 1u);
  add(1);
  EXPECT_EQ(dealt_to(deal(), 1), Indexes{1}) << "the stage goes on";
  end(1, 1);
  EXPECT_TRUE(scheduler().finished());
}

TEST_F(SchedulerSuspects, WhatRanIsNoLoss) {
  make(1);
  for (uint32_t node = 0; node < 4; ++node) {
    add(node);
    const auto deals = deal();
    ASSERT_EQ(dealt_to(deals, node), Indexes{0});
    EXPECT_FALSE(deals[0].suspect);
    ASSERT_TRUE(ran(node, 0));
    ASSERT_TRUE(lose(node).empty());
  }
}

TEST_F(SchedulerSuspects, WhatWasNeverSentIsNoLoss) {
  make_suspect(1);
  for (uint32_t incarnation = 1; incarnation <= 3; ++incarnation) {
    add(0, 1, incarnation);
    const auto deals = deal();
    ASSERT_EQ(dealt_to(deals, 0), Indexes{0});
    EXPECT_TRUE(deals[0].suspect);
    scheduler().take_back(NodeIndex(0), Incarnation(incarnation),
                          {{CommandIndex(0), deals[0].items[0].start}});
    EXPECT_TRUE(lose(0).empty());
  }
  EXPECT_EQ(state(0), CommandState::kWaiting);
  add(1);
  EXPECT_EQ(dealt_to(deal(), 1), Indexes{0}) << "at once: nothing of it runs";
  end(1, 0);
  EXPECT_TRUE(scheduler().finished());
}

TEST_F(SchedulerSuspects, ANodeWhoseDealIsTakenBackGetsWorkAgain) {
  make(1);
  add(0);
  const auto deals = deal();
  ASSERT_EQ(dealt_to(deals, 0), Indexes{0});
  EXPECT_EQ(dealt(deal()), 0u);
  scheduler().take_back(NodeIndex(0), Incarnation(1), {{CommandIndex(0), deals[0].items[0].start}});
  EXPECT_EQ(dealt_to(deal(), 0), Indexes{0});
}

TEST_F(SchedulerSuspects, OnlyWhatIsInFlightIsTakenBack) {
  make(2);
  add(0, 2);
  ASSERT_EQ(dealt(deal()), 2u);
  ASSERT_TRUE(ran(0, 0));
  scheduler().take_back(NodeIndex(0), Incarnation(1), {{CommandIndex(0), 1}});
  scheduler().take_back(NodeIndex(0), Incarnation(2), {{CommandIndex(1), 1}});
  scheduler().take_back(NodeIndex(0), Incarnation(1), {{CommandIndex(1), 2}});
  EXPECT_EQ(state(0), CommandState::kRan);
  EXPECT_EQ(state(1), CommandState::kInFlight);
}

TEST_F(SchedulerSuspects, WaitsUntilANodeIsEmpty) {
  make(8);
  add(0, 2);
  ASSERT_EQ(dealt_to(deal(), 0), (Indexes{0, 1}));
  lose(0);
  add(0, 2, 2);
  ASSERT_EQ(dealt_to(deal(), 0), (Indexes{0, 1}));
  lose(0);
  ASSERT_EQ(scheduler().counts().waiting, 8u);
  // Both are suspect now, and one child is there: it runs them one by one, then the others.
  add(0, 2, 3);
  auto deals = deal();
  ASSERT_EQ(dealt_to(deals, 0), Indexes{0});
  end(0, 0, 0, 3);
  deals = deal();
  ASSERT_EQ(dealt_to(deals, 0), Indexes{1});
  EXPECT_TRUE(deals[0].suspect);
  end(0, 1, 0, 3);
  deals = deal();
  EXPECT_EQ(dealt_to(deals, 0), (Indexes{2, 3}));
  EXPECT_FALSE(deals[0].suspect);
}

TEST_F(SchedulerSuspects, BusyNodeRunsOutBeforeItGetsASuspect) {
  make(9);
  add(0, 2);
  ASSERT_EQ(dealt(deal()), 2u);
  add(5);
  ASSERT_EQ(dealt_to(deal(), 5), Indexes{2});
  lose(5);
  add(5, 1, 2);
  ASSERT_EQ(dealt_to(deal(), 5), Indexes{2});
  lose(5);
  EXPECT_TRUE(deal().empty());
  end(0, 0);
  EXPECT_TRUE(deal().empty()) << "the node is kept free";
  end(0, 1);
  const auto deals = deal();
  ASSERT_EQ(dealt_to(deals, 0), Indexes{2});
  EXPECT_TRUE(deals[0].suspect);
}

TEST_F(SchedulerSuspects, ReservedNodeWorksAgainWhenTheSuspectIsSettled) {
  make(9);
  add(0, 2);
  ASSERT_EQ(dealt(deal()), 2u);
  add(5);
  ASSERT_EQ(dealt_to(deal(), 5), Indexes{2});
  lose(5);
  add(5, 1, 2);
  ASSERT_EQ(dealt_to(deal(), 5), Indexes{2});
  const Record late = record(5, 2, 0, 2);
  lose(5);
  EXPECT_TRUE(deal().empty());
  scheduler().kept(late, now_);  // it was on its way into the journal
  end(0, 0);
  EXPECT_EQ(dealt_to(deal(), 0), Indexes{3});
}

TEST_F(SchedulerSuspects, ChildTakesItRatherThanMain) {
  make_suspect(5);
  add(0, 1, 1, true);
  add(1);
  const auto deals = deal();
  EXPECT_EQ(dealt_to(deals, 1), Indexes{0});
  EXPECT_EQ(dealt_to(deals, 0), Indexes{1});
}

TEST_F(SchedulerSuspects, AChildThatComesWhileMainIsKeptFreeTakesIt) {
  make_suspect(2);
  add(0, 1, 1, true);
  ASSERT_EQ(dealt_to(deal(), 0), Indexes{1});
  ASSERT_TRUE(ran(0, 1));
  EXPECT_TRUE(deal().empty()) << "what ran is not kept";
  add(1);
  EXPECT_EQ(dealt_to(deal(), 1), Indexes{0});
  const auto late = record(0, 1);
  scheduler().kept(late, now_);
  EXPECT_TRUE(deal().empty());
}

TEST_F(SchedulerSuspects, MainAloneTakesItLast) {
  make_suspect(3);
  add(0, 1, 1, true);
  for (const uint32_t command : {1u, 2u, 0u}) {
    const auto deals = deal();
    ASSERT_EQ(dealt_to(deals, 0), Indexes{command});
    EXPECT_EQ(deals[0].suspect, command == 0);
    end(0, command);
  }
  EXPECT_TRUE(scheduler().finished());
}

// Main's death right after the first one ran would count against it, and against the next one too.
TEST_F(SchedulerSuspects, OnMainTheNextWaitsUntilTheOneBeforeIsKept) {
  make(2);
  for (uint32_t incarnation = 1; incarnation <= 2; ++incarnation) {
    add(9, 2, incarnation);
    ASSERT_EQ(dealt_to(deal(), 9).size(), 2u);
    lose(9);
  }
  add(0, 2, 1, true);
  ASSERT_EQ(dealt_to(deal(), 0), Indexes{0});
  ASSERT_TRUE(ran(0, 0));
  EXPECT_TRUE(deal().empty());
  scheduler().kept(record(0, 0), now_);
  EXPECT_EQ(dealt_to(deal(), 0), Indexes{1});
}

TEST_F(SchedulerSuspects, LeaveHalfOfTheChildrenToTheOthers) {
  make(40);
  for (uint32_t incarnation = 1; incarnation <= 2; ++incarnation) {
    add(9, 10, incarnation);
    ASSERT_EQ(dealt_to(deal(), 9).size(), 10u);
    lose(9);
  }
  for (uint32_t node = 0; node < 4; ++node) add(node);
  size_t suspects = 0, others = 0;
  for (const auto& given : deal()) {
    ASSERT_EQ(given.items.size(), 1u);
    (given.suspect ? suspects : others) += 1;
  }
  EXPECT_EQ(suspects, 2u);
  EXPECT_EQ(others, 2u);
}

}  // namespace
}  // namespace mnp::model
