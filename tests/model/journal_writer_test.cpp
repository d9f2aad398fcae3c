#include <gtest/gtest.h>

#include "mnp/core/files.hpp"
#include "mnp/model/journal.hpp"
#include "tests/model/journal_fixture.hpp"

namespace mnp::model {
namespace {

constexpr char kFirst[] = "j/00000001.jsonl", kSecond[] = "j/00000002.jsonl";

size_t lines_in(Store& store) {
  size_t lines = 0;
  const auto summary = read_journal(store, "j", [&](const JournalLine&) { ++lines; });
  EXPECT_TRUE(summary && summary->damages.empty());
  return lines;
}

TEST(JournalWriter, WritesASegmentACommit) {
  MemoryStore store;
  JournalWriter writer(store, "j");
  writer.append(begun_of(1));
  writer.append(Poisoned{CommandIndex(1), 2});
  EXPECT_GT(writer.pending_bytes(), 0u);
  ASSERT_TRUE(writer.commit());
  EXPECT_EQ(writer.pending_bytes(), 0u);
  writer.append(Ended{0, ""});
  ASSERT_TRUE(writer.commit());
  EXPECT_EQ(*store.list("j"), (std::vector<std::string>{kFirst, kSecond}));
  EXPECT_EQ(lines_in(store), 3u);
}

TEST(JournalWriter, NothingPendingIsNoSegment) {
  MemoryStore store;
  JournalWriter writer(store, "j");
  EXPECT_TRUE(writer.commit());
  EXPECT_TRUE(store.list("j")->empty());
}

TEST(JournalWriter, KeepsWhatCouldNotBeCommitted) {
  FaultyStore store;
  JournalWriter writer(store, "j");
  writer.append(begun_of(1));
  store.refuse_puts = 2;
  EXPECT_EQ(writer.commit().error().code, Code::kStore);
  EXPECT_EQ(writer.commit().error().code, Code::kStore);
  EXPECT_GT(writer.pending_bytes(), 0u);
  EXPECT_TRUE(writer.commit());
  EXPECT_EQ(lines_in(store), 1u);
}

TEST(JournalWriter, RecognisesItsOwnSegmentAfterALostAnswer) {
  FaultyStore store;
  JournalWriter writer(store, "j");
  writer.append(begun_of(1));
  store.lose_answers = 1;
  EXPECT_EQ(writer.commit().error().code, Code::kStore);
  writer.append(Ended{0, "more came meanwhile"});
  ASSERT_TRUE(writer.commit());
  EXPECT_EQ(*store.list("j"), (std::vector<std::string>{kFirst, kSecond}));
  EXPECT_EQ(lines_in(store), 2u);
}

TEST(JournalWriter, IsSupersededByASeal) {
  MemoryStore store;
  JournalWriter writer(store, "j");
  writer.append(begun_of(1));
  ASSERT_TRUE(writer.commit());
  ASSERT_TRUE(store.put_new(kSecond, encode_line({2, 1, Sealed{OwnerNumber(2)}})));
  writer.append(Ended{0, ""});
  EXPECT_EQ(writer.commit().error().code, Code::kSuperseded);
  EXPECT_EQ(writer.commit().error().code, Code::kSuperseded) << "and stays so";
}

TEST(JournalWriter, FailsOnASegmentOfSomebodyElse) {
  MemoryStore store;
  ASSERT_TRUE(store.put_new(kFirst, encode_line({1, 1, begun_of(9)})));
  JournalWriter writer(store, "j");
  writer.append(begun_of(1));
  EXPECT_EQ(writer.commit().error().code, Code::kStore);
}

TEST(JournalWriter, DoesNotBelieveWhatItCannotReadBack) {
  FaultyStore store;
  JournalWriter writer(store, "j");
  writer.append(begun_of(1));
  store.lose_answers = 1;
  EXPECT_FALSE(writer.commit());
  store.unreadable = kFirst;
  EXPECT_EQ(writer.commit().error().code, Code::kStore);
  store.unreadable.clear();
  EXPECT_TRUE(writer.commit());
}

TEST(JournalWriter, GoesOnAfterAFullFolder) {
  const auto folder = TemporaryFolder::create("journal-");
  ASSERT_TRUE(folder);
  FolderStore store(folder->path());
  ASSERT_TRUE(create_file_once(folder->path() / "j", "a file where the folder should be"));
  JournalWriter writer(store, "j");
  writer.append(begun_of(1));
  EXPECT_EQ(writer.commit().error().code, Code::kStore);
  ASSERT_TRUE(remove_tree(folder->path() / "j"));
  EXPECT_TRUE(writer.commit());
  EXPECT_EQ(lines_in(store), 1u);
}

}  // namespace
}  // namespace mnp::model
