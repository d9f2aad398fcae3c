#include "mnp/model/published.hpp"

#include <gtest/gtest.h>

#include "tests/model/journal_fixture.hpp"

namespace mnp::model {
namespace {

const StageKeys kStage = StageKeys::of(RunKeys::of("r-1"), "process");

class Published : public testing::Test {
 protected:
  Published() : list_(*CommandList::parse("a\nb\nc\n", "list")), ids_(list_.identities()) {}

  RecordKept kept(uint32_t command, uint32_t start, std::vector<ResultFile> files, int exit = 0) {
    Record record = failed_record(command, start);
    record.ending = {Ending::Kind::kExited, exit};
    record.files = std::move(files);
    return {record, ids_[command]};
  }
  Dealt dealt(uint32_t command, uint32_t start) {
    return {NodeIndex(0), Incarnation(1), {{CommandIndex(command), start, ids_[command]}}, false};
  }
  void journal(std::vector<Event> events) {
    events.insert(events.begin(), begun_of(1));
    ASSERT_TRUE(
        write_journal(store_, AttemptKeys::of(kStage, "job", 1).journal(), {std::move(events)}));
  }
  void lies(const std::string& path, size_t bytes) {
    ASSERT_TRUE(store_.put(kStage.results() + "/" + path, std::string(bytes, 'x')));
  }
  std::string text() {
    const auto wrong = find_wrong_files(store_, kStage, list_);
    EXPECT_TRUE(wrong);
    return wrong->empty() ? "" : wrong_files_text("process", *wrong);
  }

  MemoryStore store_;
  CommandList list_;
  std::vector<uint64_t> ids_;
};

TEST_F(Published, AStageWithoutAJournalHasPublishedNothing) {
  EXPECT_EQ(text(), "");
}

TEST_F(Published, EveryFileIsThereAsItWas) {
  journal(
      {kept(0, 1, {{"a", 3, 0, false}, {"sub/b", 0, 0, false}}), Reduced{{"sum", 2, 0, false}}});
  lies("a", 3);
  lies("sub/b", 0);
  lies("sum", 2);
  lies("of-nobody", 1);
  EXPECT_EQ(text(), "");
}

TEST_F(Published, WhatIsMissingOrCutIsNamed) {
  journal({kept(0, 1, {{"a", 3, 0, false}, {"b", 8, 0, false}}), Reduced{{"sum", 2, 0, false}}});
  lies("b", 5);
  EXPECT_EQ(text(),
            "3 files that stage process has published are not as it left them: a is missing, b has "
            "5 bytes of 8, sum is missing; put them back and type `mnp resume`, or begin anew with "
            "`mnp run`");
}

TEST_F(Published, ALongRowIsCutShort) {
  journal({kept(0, 1, {{"a", 1, 0, false}, {"b", 1, 0, false}, {"c", 1, 0, false}}),
           kept(1, 1, {{"d", 1, 0, false}, {"e", 1, 0, false}})});
  EXPECT_EQ(text(),
            "5 files that stage process has published are not as it left them: a is missing, b is "
            "missing, c is missing, and 2 more; put them back and type `mnp resume`, or begin anew "
            "with `mnp run`");
}

TEST_F(Published, FailuresAndPartialsPublishNothing) {
  journal({kept(0, 1, {{"a", 3, 0, false}}, 1), kept(1, 1, {{"b", 3, 0, true}})});
  EXPECT_EQ(text(), "");
}

TEST_F(Published, WhatNoKeptStartHasPublishedIsFound) {
  for (const char* path : {"a", "sub/b", "sum", "of-a-lost-start", ".names/0123", ".incoming/1/x"})
    lies(path, 1);
  EXPECT_EQ(find_unkept_files(store_, kStage).error().code, Code::kStore) << "without a journal";
  journal({kept(0, 1, {{"a", 1, 0, false}}), kept(1, 1, {{"sub/b", 1, 0, false}}),
           kept(2, 1, {{"of-a-lost-start", 1, 0, false}}, 1), Reduced{{"sum", 1, 0, false}}});
  EXPECT_EQ(*find_unkept_files(store_, kStage), std::vector<std::string>{"of-a-lost-start"});
  const std::string segment = AttemptKeys::of(kStage, "job", 1).journal() + "/00000002.jsonl";
  ASSERT_TRUE(store_.put(segment, "garbled\n"));
  EXPECT_TRUE(find_unkept_files(store_, kStage)->empty()) << "it may have been kept there";
}

TEST_F(Published, TheLastSuccessCounts) {
  journal({kept(0, 1, {{"a", 3, 0, false}}), kept(0, 2, {{"b", 4, 0, false}}),
           Reduced{{"sum", 2, 0, false}}, Reduced{{"sum", 6, 0, false}}});
  lies("b", 4);
  lies("sum", 6);
  EXPECT_EQ(text(), "");
}

TEST_F(Published, ALaterStartMayHaveReplacedAFileButNotTakenItAway) {
  journal({kept(0, 1, {{"a", 3, 0, false}, {"b", 3, 0, false}}), dealt(0, 2)});
  lies("a", 4);
  EXPECT_EQ(text(),
            "1 file that stage process has published is not as it left it: b is missing; put it "
            "back and type `mnp resume`, or begin anew with `mnp run`");
}

TEST_F(Published, GathersNoMoreThanItsLimit) {
  std::vector<ResultFile> files;
  for (size_t i = 0; i < kMaxWrongFiles + 5; ++i) files.push_back({std::to_string(i), 1, 0, false});
  journal({kept(0, 1, std::move(files))});
  EXPECT_NE(text().find(std::to_string(kMaxWrongFiles) + " or more files"), std::string::npos);
}

}  // namespace
}  // namespace mnp::model
