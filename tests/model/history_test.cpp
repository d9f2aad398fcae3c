#include "mnp/model/history.hpp"

#include <gtest/gtest.h>

#include "mnp/model/journal_segments.hpp"
#include "tests/model/journal_fixture.hpp"

namespace mnp::model {
namespace {

const StageKeys kStage = StageKeys::of(RunKeys::of("r-1"), "process");

class HistoryOf : public testing::Test {
 protected:
  HistoryOf() : list_(*CommandList::parse("a\nb\nc\n", "list")), ids_(list_.identities()) {}

  std::string journal(const std::string& job) { return AttemptKeys::of(kStage, job, 1).journal(); }
  Begun begun(uint32_t owner) {
    Begun event = begun_of(owner);
    event.list_digest = list_.digest();
    return event;
  }
  RecordKept kept(uint32_t command) { return {failed_record(command, 1), ids_[command]}; }

  /// Reads all and says every event in short.
  std::string said(const CommandList& list) {
    std::string text;
    const auto history = read_history(
        store_, kStage, list,
        {[&](size_t index, const Event& event) {
           text += std::to_string(index) + ":";
           std::visit([&](const auto& what) { text += word(what); }, event);
           text += " ";
         },
         [&](size_t index, const Damage&) { text += std::to_string(index) + ":DAMAGE "; }});
    EXPECT_TRUE(history);
    history_ = *history;
    return text;
  }
  static std::string word(const Begun& begun) {
    return "begun" + std::to_string(begun.owner.value()) + (begun.fresh_failures ? "fresh" : "");
  }
  static std::string word(const RecordKept& kept) {
    return "record" + std::to_string(kept.record.command.value());
  }
  static std::string word(const Poisoned& poisoned) {
    return "poisoned" + std::to_string(poisoned.command.value());
  }
  static std::string word(const Dealt& dealt) {
    std::string text = "dealt";
    for (const auto& item : dealt.items) text += "," + std::to_string(item.command.value());
    return text;
  }
  static std::string word(const Ended&) { return "ended"; }
  static std::string word(const auto&) { return "other"; }

  MemoryStore store_;
  CommandList list_;
  std::vector<uint64_t> ids_;
  History history_;
};

TEST_F(HistoryOf, NothingIsAGoodbye) {
  EXPECT_EQ(said(list_), "");
  EXPECT_TRUE(history_.goodbye);
  EXPECT_FALSE(history_.failures_unsure);
}

TEST_F(HistoryOf, TellsJournalsByOwner) {
  ASSERT_TRUE(write_journal(store_, journal("a"), {{begun(2), kept(1), Ended{0, ""}}}));
  ASSERT_TRUE(write_journal(store_, journal("b"), {{begun(1), kept(2)}}));
  EXPECT_EQ(said(list_), "0:begun1 0:record2 1:begun2 1:record1 1:ended ");
  EXPECT_TRUE(history_.goodbye);
  EXPECT_EQ(history_.journals, (std::vector<std::string>{journal("b"), journal("a")}));
}

TEST_F(HistoryOf, TheLastOwnersGoodbyeCounts) {
  ASSERT_TRUE(write_journal(store_, journal("a"), {{begun(1), Ended{0, ""}}}));
  ASSERT_TRUE(write_journal(store_, journal("b"), {{begun(2)}}));
  said(list_);
  EXPECT_FALSE(history_.goodbye);
}

TEST_F(HistoryOf, AGoodbyeOfAnOwnerWhoHasDealtNothingSaysNothingOfTheOneBefore) {
  const Dealt dealt{NodeIndex(0), Incarnation(1), {{CommandIndex(0), 1, ids_[0]}}, false};
  ASSERT_TRUE(write_journal(store_, journal("a"), {{begun(1), dealt}}));
  ASSERT_TRUE(write_journal(store_, journal("b"), {{begun(2), Ended{31, ""}}}));
  said(list_);
  EXPECT_FALSE(history_.goodbye) << "the first may live still";
  ASSERT_TRUE(write_journal(store_, journal("c"), {{begun(3), dealt, Ended{31, ""}}}));
  said(list_);
  EXPECT_TRUE(history_.goodbye);
  ASSERT_TRUE(write_journal(store_, journal("d"), {{begun(4), Ended{31, ""}}}));
  said(list_);
  EXPECT_TRUE(history_.goodbye);
}

TEST_F(HistoryOf, AGoodbyeTellsHowLongSomethingMayRunStill) {
  const Dealt dealt{NodeIndex(0), Incarnation(1), {{CommandIndex(0), 1, ids_[0]}}, false};
  ASSERT_TRUE(write_journal(store_, journal("a"), {{begun(1), dealt, Ended{40, "", 5.25}}}));
  said(list_);
  EXPECT_TRUE(history_.goodbye);
  EXPECT_EQ(history_.silent, Milliseconds(5250));
  ASSERT_TRUE(write_journal(store_, journal("b"), {{begun(2), Ended{40, ""}}}));
  said(list_);
  EXPECT_EQ(history_.silent, Milliseconds(5250)) << "it has not waited for the end of that";
  ASSERT_TRUE(write_journal(store_, journal("c"), {{begun(3), dealt, Ended{40, ""}}}));
  said(list_);
  EXPECT_EQ(history_.silent, Milliseconds(0));
}

TEST_F(HistoryOf, SpeaksOfTodaysList) {
  const Dealt dealt{NodeIndex(0),
                    Incarnation(1),
                    {{CommandIndex(0), 1, ids_[0]}, {CommandIndex(2), 1, ids_[2]}},
                    false};
  ASSERT_TRUE(write_journal(
      store_, journal("a"),
      {{begun(1), dealt, kept(0), kept(1), kept(2), Poisoned{CommandIndex(2), ids_[2]}}}));
  const auto edited = CommandList::parse("new\nc\na\n", "list");  // b is gone
  EXPECT_EQ(said(*edited), "0:begun1 0:dealt,2,1 0:record2 0:record1 0:poisoned1 ");
  EXPECT_EQ(said(list_), "0:begun1 0:dealt,0,2 0:record0 0:record1 0:record2 0:poisoned2 ");
}

TEST_F(HistoryOf, RecordsAreAlsoToldAsTheirOwnJournalSaysThem) {
  ASSERT_TRUE(write_journal(store_, journal("a"), {{begun(1), kept(0), kept(1), kept(2)}}));
  const auto edited = CommandList::parse("new\nc\na\n", "list");  // b is gone
  std::vector<std::pair<uint32_t, uint32_t>> told;                // then, now
  HistoryCallbacks callbacks;
  callbacks.event = [](size_t, const Event&) {};
  callbacks.record = [&](size_t, const Record& record, CommandIndex now) {
    told.emplace_back(record.command.value(), now.value());
  };
  ASSERT_TRUE(read_history(store_, kStage, *edited, callbacks));
  EXPECT_EQ(told, (std::vector<std::pair<uint32_t, uint32_t>>{{0, 2}, {2, 1}}));
}

TEST_F(HistoryOf, AfterDamageFailuresAreOpen) {
  ASSERT_TRUE(write_journal(store_, journal("a"), {{begun(1)}, {kept(0)}, {kept(1)}}));
  ASSERT_TRUE(write_journal(store_, journal("b"), {{begun(2), Ended{0, ""}}}));
  ASSERT_TRUE(store_.remove(segment_key(journal("a"), 2)));
  EXPECT_EQ(said(list_), "0:begun1 0:DAMAGE 0:record1 1:begun2fresh 1:ended ");
  EXPECT_FALSE(history_.failures_unsure) << "the next Begun has said it";
  EXPECT_EQ(history_.damages.size(), 1u);
}

TEST_F(HistoryOf, DamageInTheLastJournalIsTheNewOwnersToSay) {
  ASSERT_TRUE(write_journal(store_, journal("a"), {{begun(1)}, {kept(0)}, {Ended{0, ""}}}));
  ASSERT_TRUE(store_.put(segment_key(journal("a"), 2), "garbled\n"));
  said(list_);
  EXPECT_TRUE(history_.failures_unsure);
  EXPECT_FALSE(history_.goodbye) << "what was dealt is not known";
}

TEST_F(HistoryOf, EveryJournalBegins) {
  ASSERT_TRUE(write_journal(store_, journal("a"), {{begun(1)}, {kept(0)}}));
  ASSERT_TRUE(store_.put(segment_key(journal("a"), 1), "garbled\n"));
  EXPECT_EQ(said(list_), "0:begun0 0:DAMAGE 0:record0 ");
}

}  // namespace
}  // namespace mnp::model
