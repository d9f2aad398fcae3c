#include <gtest/gtest.h>

#include "mnp/model/journal_segments.hpp"
#include "mnp/model/report.hpp"
#include "tests/model/journal_fixture.hpp"

namespace mnp::model {
namespace {

const StageKeys kStage = StageKeys::of(RunKeys::of("r-1"), "process");
using Kind = Ending::Kind;

class OutcomesOf : public testing::Test {
 protected:
  OutcomesOf() : list_(*CommandList::parse("a\nb\nc\nd\n", "list")), ids_(list_.identities()) {}

  std::string journal(uint32_t attempt) {
    return AttemptKeys::of(kStage, "job", attempt).journal();
  }
  /// Writes the journal of a further attempt; each group of events is a segment.
  void attempt(std::vector<std::vector<Event>> segments, bool fresh = false) {
    ++attempts_;
    Begun begun = begun_of(attempts_, attempts_);
    begun.fresh_failures = fresh;
    segments.insert(segments.begin(), {begun});
    ASSERT_TRUE(write_journal(store_, journal(attempts_), segments));
  }
  RecordKept kept(uint32_t command, uint32_t start, Ending ending, uint32_t node = 0) {
    Record record = failed_record(command, start, node);
    record.ending = ending;
    return {record, ids_[command]};
  }
  RecordKept good(uint32_t command, uint32_t start = 1) {
    return kept(command, start, {Kind::kExited, 0});
  }
  RecordKept bad(uint32_t command, uint32_t start = 1, uint32_t node = 0) {
    return kept(command, start, {Kind::kExited, 3}, node);
  }
  Poisoned poisoned(uint32_t command) { return {CommandIndex(command), ids_[command]}; }
  Dealt dealt(uint32_t command, uint32_t start) {
    return {NodeIndex(0), Incarnation(1), {{CommandIndex(command), start, ids_[command]}}, false};
  }

  Outcomes outcomes() {
    auto read = read_outcomes(store_, kStage, list_);
    EXPECT_TRUE(read);
    return std::move(*read);
  }
  /// A letter a command: Succeeded, Failed, Timed out, Poisoned, - (not run).
  std::string states() {
    std::string text;
    for (const Outcome& outcome : outcomes().commands)
      text += "---SFTP"[static_cast<size_t>(outcome.state)];
    return text;
  }

  MemoryStore store_;
  CommandList list_;
  std::vector<uint64_t> ids_;
  uint32_t attempts_ = 0;
};

TEST_F(OutcomesOf, NoJournalIsNoRun) {
  EXPECT_EQ(states(), "----");
}

TEST_F(OutcomesOf, APoisonedCommandIsOfTheNodeThatItKilledLast) {
  attempt({{Dealt{NodeIndex(5), Incarnation(2), {{CommandIndex(0), 3, ids_[0]}}, true},
            NodeLost{NodeIndex(5), Incarnation(2), "silent"}, poisoned(0)}});
  const Outcomes read = outcomes();
  EXPECT_EQ(read.commands[0].node, NodeIndex(5));
  EXPECT_EQ(read.commands[0].incarnation, Incarnation(2));
  EXPECT_EQ(read.commands[0].tries, 3u);
}

TEST_F(OutcomesOf, TheLastRecordIsTheOutcome) {
  attempt(
      {{bad(0), bad(1), kept(2, 1, {Kind::kTimedOut, 0}), poisoned(3)}, {good(1, 2), bad(2, 2)}});
  EXPECT_EQ(states(), "FSFP");
  const Outcomes all = outcomes();
  EXPECT_EQ(all.commands[2].start, 2u);
  EXPECT_EQ(all.commands[2].ending, (Ending{Kind::kExited, 3}));
  EXPECT_EQ(all.journals[all.commands[2].journal], journal(1));
}

TEST_F(OutcomesOf, KeepWhatTheRecordSays) {
  Record record = full_record();
  record.command = CommandIndex(1);
  attempt({{RecordKept{record, ids_[1]}}});
  const Outcomes all = outcomes();
  const Outcome& outcome = all.commands[1];
  EXPECT_EQ(outcome.node.value(), 3u);
  EXPECT_EQ(outcome.incarnation.value(), 1u);
  EXPECT_EQ(outcome.slot.value(), 5u);
  EXPECT_EQ(outcome.output_segment, 4u);
  EXPECT_EQ(outcome.cpu_seconds, 0.75f);
  EXPECT_EQ(outcome.max_rss_kib, 123456u);
  EXPECT_EQ(outcome.started, record.started);
  EXPECT_EQ(all.errors.at(CommandIndex(1)), record.error);
}

TEST_F(OutcomesOf, ASuccessIsFinal) {
  attempt({{good(0), bad(0, 2), poisoned(0)}});
  attempt({{bad(0, 3)}}, true);
  EXPECT_EQ(states(), "S---");
  EXPECT_EQ(outcomes().commands[0].start, 1u);
}

TEST_F(OutcomesOf, AnErrorOfTheResultsIsAFailure) {
  RecordKept kept = good(0);
  kept.record.error = "there already";
  attempt({{kept}, {good(1)}});
  EXPECT_EQ(states(), "FS--");
  attempt({{good(0, 2)}});
  EXPECT_EQ(states(), "SS--");
  EXPECT_TRUE(outcomes().errors.empty());
}

TEST_F(OutcomesOf, ResumeOpensFailedAndPoisonedCommands) {
  attempt({{bad(0), poisoned(1), good(2), kept(3, 1, {Kind::kTimedOut, 0})}});
  attempt({}, false);
  EXPECT_EQ(states(), "FPST");
  EXPECT_EQ(outcomes().done(), 4u);
  attempt({{bad(3, 2)}}, true);
  EXPECT_EQ(states(), "--SF");
  EXPECT_EQ(outcomes().done(), 2u);
  EXPECT_EQ(outcomes().commands[0].tries, 1u) << "what has run, has run";
  EXPECT_EQ(outcomes().commands[0].start, 0u);
}

TEST_F(OutcomesOf, FailuresOfABadNodeDoNotCount) {
  attempt({{bad(0, 1, 5), bad(1, 1, 4), good(2)}, {NodeBad{NodeIndex(5), "GPU"}, bad(3, 1, 5)}});
  EXPECT_EQ(states(), "-FS-");
  attempt({{bad(0, 2, 5)}});
  EXPECT_EQ(states(), "FFS-") << "node 5 of another attempt is another machine";
}

TEST_F(OutcomesOf, AFailureElsewhereTooStands) {
  attempt({{bad(0, 1, 4), bad(0, 2, 5), bad(1, 1, 5)}, {NodeBad{NodeIndex(5), "GPU"}}});
  EXPECT_EQ(states(), "F---");
  attempt({});
  EXPECT_EQ(states(), "F---");
}

TEST_F(OutcomesOf, TwoBadNodesOpenWhatFailedOnBoth) {
  attempt(
      {{bad(0, 1, 4), bad(0, 2, 5)}, {NodeBad{NodeIndex(5), "GPU"}, NodeBad{NodeIndex(4), "GPU"}}});
  EXPECT_EQ(states(), "----");
}

TEST_F(OutcomesOf, APoisonedCommandStaysSoWhenANodeIsBad) {
  attempt({{bad(0, 1, 5), poisoned(0)}, {NodeBad{NodeIndex(5), "GPU"}}});
  EXPECT_EQ(states(), "P---");
}

TEST_F(OutcomesOf, TriesCountStartsDealtOrRecorded) {
  attempt({{dealt(0, 1), bad(0, 1), dealt(0, 2), dealt(1, 1)}});
  const Outcomes all = outcomes();
  EXPECT_EQ(all.commands[0].tries, 2u);
  EXPECT_EQ(all.commands[0].start, 1u);
  EXPECT_EQ(all.commands[1].tries, 1u);
  EXPECT_EQ(all.commands[2].tries, 0u);
}

TEST_F(OutcomesOf, FollowAnEditedList) {
  attempt({{good(0), bad(2)}});
  list_ = *CommandList::parse("c\nnew\na\n", "list");
  EXPECT_EQ(states(), "F-S");
}

// The commands that a damaged line may have held count as not final, and no
// older record takes its place.
TEST_F(OutcomesOf, NoOlderFailureStandsAfterDamage) {
  attempt({{good(0), bad(1), poisoned(2)}, {good(1, 2)}, {bad(3)}});
  EXPECT_EQ(states(), "SSPF");
  ASSERT_TRUE(store_.put(segment_key(journal(1), 3), "garbled\n"));
  EXPECT_EQ(states(), "S--F") << "what was recorded after the damage stands";
  EXPECT_EQ(outcomes().damages.size(), 1u);
}

TEST_F(OutcomesOf, DamageReachesBackIntoEarlierAttempts) {
  attempt({{good(0), bad(1)}});
  attempt({{good(1, 2)}});
  attempt({{bad(3)}});
  ASSERT_TRUE(store_.remove(segment_key(journal(2), 2)));
  ASSERT_TRUE(store_.put(segment_key(journal(2), 3), encode_line({3, 1, Sealed{OwnerNumber(3)}})));
  EXPECT_EQ(states().substr(0, 2), "S-");
}

TEST_F(OutcomesOf, EveryFlippedByteKeepsThePromise) {
  attempt({{good(0), bad(1)}, {good(1, 2), bad(2)}, {bad(3)}});
  for (uint32_t segment = 1; segment <= 4; ++segment) {
    const std::string key = segment_key(journal(1), segment);
    const std::string bytes = *store_.get(key);
    for (size_t at = 0; at < bytes.size(); ++at) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ 1);
      ASSERT_TRUE(store_.put(key, flipped));
      const std::string found = states();
      EXPECT_NE(found[1], 'F') << "an older failure of command 1, whose success is hit";
      EXPECT_TRUE(found[0] == 'S' || segment == 2);
      EXPECT_NE(found[2], 'S');
      EXPECT_NE(found[3], 'S');
    }
    ASSERT_TRUE(store_.put(key, bytes));
  }
}

}  // namespace
}  // namespace mnp::model
