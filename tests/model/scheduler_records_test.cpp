// What nodes report: slots that are free, verdicts on records, tries and their backoff.
#include "tests/model/scheduler_fixture.hpp"

namespace mnp::model {
namespace {

using Verdict = Scheduler::Verdict;
class SchedulerRecords : public SchedulerCase {};

TEST_F(SchedulerRecords, RecordWithoutRanFreesTheSlot) {
  make(2);
  add(0);
  deal();
  scheduler().kept(record(0, 0), now_);
  EXPECT_EQ(dealt_to(deal(), 0), Indexes{1});
}

TEST_F(SchedulerRecords, RanIsIgnoredFromElsewhere) {
  make(2);
  add(0);
  add(1);
  deal();
  EXPECT_FALSE(ran(1, 0)) << "another node";
  EXPECT_FALSE(ran(7, 0)) << "an unknown node";
  EXPECT_FALSE(ran(0, 0, 2)) << "another incarnation";
  EXPECT_FALSE(scheduler().ran(NodeIndex(0), Incarnation(1), CommandIndex(9), 1));
  EXPECT_FALSE(scheduler().ran(NodeIndex(0), Incarnation(1), CommandIndex(0), 2));
  EXPECT_TRUE(ran(0, 0));
  EXPECT_FALSE(ran(0, 0)) << "said twice";
}

TEST_F(SchedulerRecords, RecordIsAcceptedOnce) {
  make(1);
  add(0);
  deal();
  const Record good = record(0, 0);
  EXPECT_EQ(scheduler().judge(good), Verdict::kAccept);
  scheduler().kept(good, now_);
  EXPECT_EQ(scheduler().judge(good), Verdict::kDuplicate);
  scheduler().kept(good, now_);
  EXPECT_EQ(scheduler().counts().succeeded, 1u);
}

TEST_F(SchedulerRecords, RecordOfAnEarlierTryIsADuplicate) {
  make(1, 2);
  add(0);
  deal();
  const Record first = record(0, 0, 1);
  end(0, 0, 1);
  pass(Milliseconds(1000));
  EXPECT_EQ(dealt(deal()), 1u);
  EXPECT_EQ(scheduler().judge(first), Verdict::kDuplicate);
  scheduler().kept(first, now_);
  EXPECT_EQ(state(0), CommandState::kInFlight) << "counted once";
  end(0, 0, 0);
  EXPECT_EQ(state(0), CommandState::kSucceeded);
}

TEST_F(SchedulerRecords, RecordsOfEndedIncarnationsAndUnknownStartsAreRefused) {
  make(2);
  add(0);
  add(1);
  deal();
  Record wrong = record(0, 0);
  wrong.start = 2;
  EXPECT_EQ(scheduler().judge(wrong), Verdict::kRefuse);
  wrong.start = 0;
  EXPECT_EQ(scheduler().judge(wrong), Verdict::kRefuse);
  EXPECT_EQ(scheduler().judge(record(1, 0)), Verdict::kRefuse) << "dealt to another node";
  wrong = record(0, 0);
  wrong.command = CommandIndex(5);
  EXPECT_EQ(scheduler().judge(wrong), Verdict::kRefuse);
  const Record late = record(0, 0);
  lose(0);
  EXPECT_EQ(scheduler().judge(late), Verdict::kRefuse);
  add(0, 1, 2);
  EXPECT_EQ(scheduler().judge(late), Verdict::kRefuse) << "a lower incarnation";
  EXPECT_EQ(dealt_to(deal(), 0), Indexes{0});
  EXPECT_EQ(scheduler().judge(late), Verdict::kRefuse);
  EXPECT_EQ(scheduler().judge(record(0, 0, 0, 2)), Verdict::kAccept);
}

TEST_F(SchedulerRecords, FailsAfterItsTriesWithDoublingBackoff) {
  make(1, 8);
  add(0);
  Milliseconds wait(1000);
  for (int attempt = 1; attempt <= 7; ++attempt) {
    ASSERT_EQ(dealt(deal()), 1u) << attempt;
    end(0, 0, 1);
    ASSERT_EQ(state(0), CommandState::kWaiting);
    ASSERT_EQ(scheduler().next_deal_time(), now_ + wait) << attempt;
    pass(wait - Milliseconds(1));
    ASSERT_TRUE(deal().empty());
    pass(Milliseconds(1));
    wait = std::min(wait * 2, Milliseconds(60000));
  }
  ASSERT_EQ(dealt(deal()), 1u);
  EXPECT_EQ(scheduler().starts(CommandIndex(0)), 8u);
  end(0, 0, 1);
  EXPECT_EQ(state(0), CommandState::kFailed);
  EXPECT_EQ(scheduler().next_deal_time(), std::nullopt);
  EXPECT_TRUE(scheduler().finished());
  EXPECT_EQ(scheduler().counts().bad(), 1u);
}

TEST_F(SchedulerRecords, TimeoutIsAFailureOfItsOwnKind) {
  make(1, 2);
  add(0);
  for (int attempt = 0; attempt < 2; ++attempt) {
    pass(Milliseconds(1000));
    ASSERT_EQ(dealt(deal()), 1u);
    Record made = record(0, 0);
    made.ending = {Ending::Kind::kTimedOut, 0};
    scheduler().kept(made, now_);
  }
  EXPECT_EQ(state(0), CommandState::kTimedOut);
  EXPECT_EQ(scheduler().counts().timed_out, 1u);
}

TEST_F(SchedulerRecords, RetryOnNamesTheStatusesWorthATry) {
  SchedulerOptions options;
  options.commands = 5;
  options.tries = 3;
  options.retry_on = {75, 137};
  make(options);
  add(0, 5);
  ASSERT_EQ(dealt(deal()), 5u);
  const std::vector<Ending> endings = {{Ending::Kind::kExited, 75},
                                       {Ending::Kind::kExited, 1},
                                       {Ending::Kind::kSignalled, 9},
                                       {Ending::Kind::kTimedOut, 0},
                                       {Ending::Kind::kNotStarted, 75}};
  for (uint32_t i = 0; i < 5; ++i) {
    Record made = record(0, i);
    made.ending = endings[i];
    scheduler().kept(made, now_);
  }
  EXPECT_EQ(state(0), CommandState::kWaiting);
  EXPECT_EQ(state(1), CommandState::kFailed);
  EXPECT_EQ(state(2), CommandState::kWaiting) << "128 + 9";
  EXPECT_EQ(state(3), CommandState::kTimedOut);
  EXPECT_EQ(state(4), CommandState::kFailed);
}

TEST_F(SchedulerRecords, ResultsThatCannotBePublishedAreAFailure) {
  make(1);
  add(0);
  deal();
  Record made = record(0, 0);
  made.error = "results/a: belongs to command 7";
  scheduler().kept(made, now_);
  EXPECT_EQ(state(0), CommandState::kFailed);
}

TEST_F(SchedulerRecords, RetryPrefersAnotherNode) {
  make(4, 2);
  add(0);
  add(1);
  auto deals = deal();
  ASSERT_EQ(dealt_to(deals, 0), Indexes{0});
  ASSERT_EQ(dealt_to(deals, 1), Indexes{1});
  end(0, 0, 1);
  pass(Milliseconds(1000));
  EXPECT_EQ(dealt_to(deal(), 0), Indexes{2}) << "its own failure waits for the other node";
  end(1, 1);
  EXPECT_EQ(dealt_to(deal(), 1), Indexes{0}) << "a retry comes before what was never tried";
}

TEST_F(SchedulerRecords, RetryRunsOnItsOwnNodeWhenNoOtherIsFree) {
  make(2, 2);
  add(0);
  add(1);
  deal();
  end(0, 0, 1);
  pass(Milliseconds(1000));
  EXPECT_EQ(dealt_to(deal(), 0), Indexes{0});
}

TEST_F(SchedulerRecords, SuccessKeptAfterItsNodeIsLostIsFinal) {
  make(1);
  add(0);
  deal();
  ASSERT_TRUE(ran(0, 0));
  const Record good = record(0, 0);
  ASSERT_EQ(scheduler().judge(good), Verdict::kAccept);
  lose(0, Milliseconds(6000));
  EXPECT_EQ(state(0), CommandState::kWaiting);
  scheduler().kept(good, now_);
  EXPECT_EQ(state(0), CommandState::kSucceeded);
  add(1);
  pass(Milliseconds(6000));
  EXPECT_TRUE(deal().empty());
  EXPECT_TRUE(scheduler().finished());
}

TEST_F(SchedulerRecords, SuccessKeptLateOutlivesARunningStart) {
  make(2);
  add(0);
  deal();
  const Record good = record(0, 0);
  lose(0);
  add(1);
  ASSERT_EQ(dealt_to(deal(), 1), Indexes{0});
  scheduler().kept(good, now_);
  EXPECT_EQ(state(0), CommandState::kSucceeded);
  EXPECT_TRUE(deal().empty()) << "the newer start still has the slot";
  EXPECT_EQ(scheduler().judge(record(1, 0, 1)), Verdict::kDuplicate);
  EXPECT_TRUE(ran(1, 0));
  EXPECT_EQ(dealt_to(deal(), 1), Indexes{1});
  EXPECT_EQ(scheduler().counts().succeeded, 1u);
}

TEST_F(SchedulerRecords, FailureKeptLateUsesUpATry) {
  make(1);
  add(0);
  deal();
  ASSERT_TRUE(ran(0, 0));
  const Record bad = record(0, 0, 1);
  lose(0, Milliseconds(6000));
  scheduler().kept(bad, now_);
  EXPECT_EQ(state(0), CommandState::kFailed);
  scheduler().kept(bad, now_);
  EXPECT_EQ(scheduler().counts().failed, 1u);
  add(1);
  pass(Milliseconds(6000));
  EXPECT_TRUE(deal().empty());
}

}  // namespace
}  // namespace mnp::model
