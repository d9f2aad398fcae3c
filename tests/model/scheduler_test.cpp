// One command's way from waiting to kept, and when a stage is finished.
#include "mnp/model/scheduler.hpp"

#include "tests/model/scheduler_fixture.hpp"

namespace mnp::model {
namespace {

class SchedulerWay : public SchedulerCase {};

TEST_F(SchedulerWay, GoesFromWaitingToKept) {
  make(2);
  EXPECT_EQ(scheduler().counts().waiting, 2u);
  EXPECT_TRUE(deal().empty()) << "no node is there";
  add(0);
  EXPECT_EQ(dealt_to(deal(), 0), Indexes{0});
  EXPECT_EQ(state(0), CommandState::kInFlight);
  EXPECT_EQ(scheduler().in_flight(NodeIndex(0)), 1u);
  EXPECT_TRUE(deal().empty()) << "its slot is taken";
  EXPECT_TRUE(ran(0, 0));
  EXPECT_EQ(state(0), CommandState::kRan);
  EXPECT_EQ(scheduler().unkept(NodeIndex(0)), 1u);
  EXPECT_EQ(dealt_to(deal(), 0), Indexes{1}) << "a slot is free at `ran`";
  scheduler().kept(record(0, 0), now_);
  EXPECT_EQ(state(0), CommandState::kSucceeded);
  EXPECT_EQ(scheduler().unkept(NodeIndex(0)), 0u);
  EXPECT_TRUE(ran(0, 1));
  EXPECT_FALSE(scheduler().finished()) << "what ran is not kept yet";
  scheduler().kept(record(0, 1), now_);
  EXPECT_TRUE(scheduler().finished());
  EXPECT_EQ(scheduler().counts().succeeded, 2u);
  EXPECT_EQ(scheduler().counts().done(), 2u);
}

TEST_F(SchedulerWay, EmptyListIsFinished) {
  make(0);
  add(0);
  EXPECT_TRUE(deal().empty());
  EXPECT_TRUE(scheduler().finished());
}

TEST_F(SchedulerWay, StopsWhenMoreFailedThanAllowed) {
  SchedulerOptions options;
  options.commands = 10;
  options.on_failure = OnFailure::kStop;
  options.allowed_failures = 1;
  make(options);
  add(0, 2);
  deal();
  end(0, 0, 1);
  EXPECT_EQ(dealt(deal()), 1u) << "one is allowed";
  end(0, 1, 1);
  EXPECT_TRUE(deal().empty());
  EXPECT_FALSE(scheduler().finished()) << "one is in flight";
  end(0, 2);
  EXPECT_TRUE(scheduler().finished());
  EXPECT_EQ(scheduler().counts().waiting, 7u);
}

class SchedulerStop : public SchedulerCase {
 protected:
  Scheduler& make_stopping(uint32_t tries = 1, std::vector<int> retry_on = {}) {
    SchedulerOptions options;
    options.commands = 1000;
    options.tries = tries;
    options.retry_on = std::move(retry_on);
    options.on_failure = OnFailure::kStop;
    return make(std::move(options));
  }
};

TEST_F(SchedulerStop, DealsNothingAheadOfASlot) {
  make_stopping();
  add(0, 2);
  EXPECT_EQ(dealt(deal()), 2u);
  for (uint32_t i = 0; i < 50; ++i) {
    pass(Milliseconds(1));
    end(0, i);
    EXPECT_EQ(dealt(deal()), 1u);
  }
}

TEST_F(SchedulerStop, WaitsForTheRecordOfWhatMayHaveFailedForGood) {
  make_stopping();
  add(0, 2);
  deal();
  EXPECT_TRUE(ran(0, 0, 1, true));
  EXPECT_TRUE(deal().empty());
  EXPECT_FALSE(scheduler().finished());
  EXPECT_TRUE(ran(0, 1));
  EXPECT_TRUE(deal().empty());
  scheduler().kept(record(0, 1), now_);
  EXPECT_TRUE(deal().empty());
  scheduler().kept(record(0, 0, 1), now_);
  EXPECT_TRUE(deal().empty());
  EXPECT_TRUE(scheduler().finished());
}

TEST_F(SchedulerStop, GoesOnWhenTheRecordIsNoLastFailure) {
  make_stopping(2, {75});
  add(0);
  deal();
  EXPECT_TRUE(ran(0, 0, 1, true));
  EXPECT_TRUE(deal().empty()) << "its status may be none to try again after";
  scheduler().kept(record(0, 0, 75), now_);
  EXPECT_EQ(dealt_to(deal(), 0), Indexes{1});
}

TEST_F(SchedulerStop, ATryThatIsNotTheLastHoldsNothingUp) {
  make_stopping(2);
  add(0);
  deal();
  EXPECT_TRUE(ran(0, 0, 1, true));
  EXPECT_EQ(dealt_to(deal(), 0), Indexes{1});
}

TEST_F(SchedulerStop, WaitsAlsoWhereOnlyTheRecordSaysThatItHasFailed) {
  make_stopping();
  add(0, 2);
  deal();
  EXPECT_TRUE(ran(0, 0)) << "it ended well";
  EXPECT_EQ(dealt(deal()), 1u);
  EXPECT_TRUE(ran(0, 1));
  EXPECT_FALSE(ran(0, 0, 1, true)) << "but its results could not be published";
  EXPECT_FALSE(scheduler().dealing());
  EXPECT_TRUE(deal().empty());
  EXPECT_FALSE(ran(0, 0, 1, true)) << "counted once";
  scheduler().kept(record(0, 0), now_);
  EXPECT_TRUE(scheduler().dealing());
}

TEST_F(SchedulerStop, WhatWasNotSentIsTakenBackAndTheStageEnds) {
  make_stopping();
  add(0, 2);
  deal();
  end(0, 0, 1);
  EXPECT_FALSE(scheduler().dealing());
  EXPECT_FALSE(scheduler().finished());
  scheduler().take_back(NodeIndex(0), Incarnation(1), {{CommandIndex(1), 1}});
  EXPECT_TRUE(scheduler().finished());
  EXPECT_EQ(scheduler().counts().waiting, 999u);
}

TEST_F(SchedulerStop, GoesOnWhenTheNodeIsLostWithTheFailure) {
  make_stopping();
  add(0);
  add(1);
  deal();
  EXPECT_TRUE(ran(0, 0, 1, true));
  EXPECT_TRUE(ran(1, 1));
  EXPECT_TRUE(deal().empty());
  lose(0);
  EXPECT_EQ(dealt(deal()), 1u);
}

TEST_F(SchedulerWay, GoesOnAfterFailuresByDefault) {
  make(3);
  add(0);
  for (uint32_t i = 0; i < 3; ++i) {
    ASSERT_EQ(dealt_to(deal(), 0), Indexes{i});
    end(0, i, 1);
  }
  EXPECT_TRUE(scheduler().finished());
  EXPECT_EQ(scheduler().counts().failed, 3u);
}

TEST_F(SchedulerWay, StoppedDealingFinishesWhatIsInFlight) {
  make(3);
  add(0);
  deal();
  scheduler().stop_dealing();
  EXPECT_FALSE(scheduler().finished());
  end(0, 0);
  EXPECT_TRUE(deal().empty());
  EXPECT_TRUE(scheduler().finished());
  EXPECT_EQ(scheduler().counts().waiting, 2u);
}

}  // namespace
}  // namespace mnp::model
