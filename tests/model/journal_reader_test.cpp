#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "mnp/model/journal.hpp"
#include "tests/model/journal_fixture.hpp"

namespace mnp::model {
namespace {

struct Read {
  std::vector<std::string> lines;  // encoded again
  JournalSummary summary;
  std::string words;  // of all damages
};

Read read(Store& store) {
  Read read;
  size_t in_place = 0;
  auto summary = read_journal(
      store, "j", [&](const JournalLine& line) { read.lines.push_back(encode_line(line)); },
      [&](const Damage&) { ++in_place; });
  EXPECT_TRUE(summary);
  read.summary = std::move(*summary);
  EXPECT_EQ(in_place, read.summary.damages.size());
  for (const Damage& damage : read.summary.damages)
    read.words += damage.key + ":" + std::to_string(damage.line) + ": " + damage.what + "\n";
  return read;
}

/// A journal of three segments with an event of every kind but the seal.
class JournalReader : public testing::Test {
 protected:
  JournalReader() {
    std::vector<Event> events = every_event();
    events.pop_back();
    const auto cut = [&](size_t from, size_t to) {
      return std::vector<Event>(events.begin() + static_cast<long>(from),
                                events.begin() + static_cast<long>(to));
    };
    EXPECT_TRUE(write_journal(store_, "j", {cut(0, 5), cut(5, 6), cut(6, events.size())}));
    whole_ = read(store_).lines;
    const auto keys = store_.list("j");
    for (const std::string& key : *keys) segments_[key] = *store_.get(key);
  }

  /// What must still be read: every line of which no byte was touched.
  void expect_all_but(const Read& found, const std::set<std::string>& touched) {
    std::vector<std::string> expected;
    for (const std::string& line : whole_)
      if (touched.count(line) == 0) expected.push_back(line);
    EXPECT_TRUE(found.lines == expected) << found.lines.size() << " lines\n" << found.words;
  }
  std::string line_at(const std::string& bytes, size_t at) {
    const size_t start = at == 0 ? 0 : bytes.rfind('\n', at - 1) + 1;
    return bytes.substr(start, bytes.find('\n', at) + 1 - start);
  }

  MemoryStore store_;
  std::vector<std::string> whole_;
  std::map<std::string, std::string> segments_;
};

TEST_F(JournalReader, ReadsAWholeJournal) {
  const Read found = read(store_);
  EXPECT_EQ(found.lines.size(), every_event().size() - 1);
  EXPECT_EQ(found.words, "");
  EXPECT_EQ(found.summary.segments, 3u);
  EXPECT_TRUE(found.summary.ended);
  EXPECT_FALSE(found.summary.sealed);
}

TEST_F(JournalReader, AnEmptyJournalIsNoDamage) {
  MemoryStore empty;
  EXPECT_EQ(read(empty).words, "");
  EXPECT_EQ(read(empty).summary.segments, 0u);
}

TEST_F(JournalReader, SurvivesTruncationAtEveryByte) {
  for (const auto& [key, bytes] : segments_) {
    const bool last = key == segments_.rbegin()->first;
    for (size_t size = 0; size < bytes.size(); ++size) {
      ASSERT_TRUE(store_.put(key, bytes.substr(0, size)));
      std::set<std::string> touched;
      for (size_t at = size; at < bytes.size(); at = bytes.find('\n', at) + 1)
        touched.insert(line_at(bytes, at));
      const Read found = read(store_);
      expect_all_but(found, touched);
      // Whole lines gone from the very end of a journal cannot be seen (docs/journal.md).
      const bool invisible = last && size > 0 && bytes[size - 1] == '\n';
      EXPECT_EQ(found.words.empty(), invisible) << key << " cut to " << size;
      EXPECT_EQ(found.summary.ended, !last);
    }
    ASSERT_TRUE(store_.put(key, bytes));
  }
}

TEST_F(JournalReader, SurvivesEveryFlippedByte) {
  for (const auto& [key, bytes] : segments_) {
    for (size_t at = 0; at < bytes.size(); ++at)
      for (const char flip : {'\x01', '\x80', '\xff'}) {
        std::string flipped = bytes;
        flipped[at] = static_cast<char>(flipped[at] ^ flip);
        ASSERT_TRUE(store_.put(key, flipped));
        const Read found = read(store_);
        expect_all_but(found, {line_at(bytes, at)});
        EXPECT_NE(found.words, "") << key << " byte " << at;
      }
    ASSERT_TRUE(store_.put(key, bytes));
  }
}

TEST_F(JournalReader, NamesAMissingSegment) {
  ASSERT_TRUE(store_.remove("j/00000002.jsonl"));
  const Read found = read(store_);
  expect_all_but(found, {whole_[5]});
  EXPECT_EQ(found.words, "j/00000002.jsonl:0: is missing\n");
  EXPECT_EQ(found.summary.segments, 3u);
}

TEST_F(JournalReader, NamesAHoleOfManySegmentsOnce) {
  ASSERT_TRUE(store_.put("j/04000000.jsonl", "x"));
  const Read found = read(store_);
  EXPECT_EQ(found.lines, whole_);
  EXPECT_EQ(found.words,
            "j/00000004.jsonl:0: is missing, and all up to number 3999999\n"
            "j/04000000.jsonl:1: torn: no newline at its end\n");
}

TEST_F(JournalReader, NamesAnEmptySegment) {
  ASSERT_TRUE(store_.put("j/00000002.jsonl", ""));
  EXPECT_EQ(read(store_).words, "j/00000002.jsonl:0: is empty\n");
}

TEST_F(JournalReader, NamesMissingLines) {
  std::string bytes = segments_["j/00000001.jsonl"];
  bytes.erase(whole_[0].size(), whole_[1].size() + whole_[2].size());
  ASSERT_TRUE(store_.put("j/00000001.jsonl", bytes));
  const Read found = read(store_);
  expect_all_but(found, {whole_[1], whole_[2]});
  EXPECT_EQ(found.words, "j/00000001.jsonl:2: lines 2 to 3 are missing\n");
}

TEST_F(JournalReader, AcceptsADoubledSegmentOnce) {
  ASSERT_TRUE(store_.put("j/00000004.jsonl", segments_["j/00000002.jsonl"]));
  const Read found = read(store_);
  EXPECT_EQ(found.lines, whole_);
  EXPECT_EQ(found.words, "j/00000004.jsonl:1: line 6 again, or out of its place\n");
}

TEST_F(JournalReader, AcceptsSwappedLinesInOrderOnly) {
  const std::string bytes = segments_["j/00000001.jsonl"];
  const std::string rest = bytes.substr(whole_[0].size() + whole_[1].size());
  ASSERT_TRUE(store_.put("j/00000001.jsonl", whole_[1] + whole_[0] + rest));
  const Read found = read(store_);
  expect_all_but(found, {whole_[0]});
  EXPECT_EQ(found.words,
            "j/00000001.jsonl:1: lines 1 to 1 are missing\n"
            "j/00000001.jsonl:2: line 1 again, or out of its place\n");
}

TEST_F(JournalReader, StopsAtASeal) {
  const uint64_t next = whole_.size() + 1;
  const std::string seal = encode_line({next, 1, Sealed{OwnerNumber(2)}});
  ASSERT_TRUE(store_.put("j/00000004.jsonl", seal));
  EXPECT_EQ(read(store_).words, "");
  EXPECT_TRUE(read(store_).summary.sealed);
  const std::string late = encode_line({next, 1, Ended{0, "late"}});
  ASSERT_TRUE(store_.put("j/00000004.jsonl", seal + late));
  ASSERT_TRUE(store_.put("j/00000005.jsonl", late));
  const Read found = read(store_);
  EXPECT_EQ(found.lines.size(), whole_.size() + 1);
  EXPECT_EQ(found.words,
            "j/00000004.jsonl:2: lines after the seal are not accepted\n"
            "j/00000005.jsonl:0: a segment after the seal is not accepted\n");
}

TEST_F(JournalReader, ASealTellsOfLinesThatWentMissingBeforeIt) {
  std::string bytes = segments_["j/00000003.jsonl"];
  bytes.erase(bytes.size() - whole_.back().size());
  ASSERT_TRUE(store_.put("j/00000003.jsonl", bytes));
  ASSERT_TRUE(
      store_.put("j/00000004.jsonl", encode_line({whole_.size() + 1, 1, Sealed{OwnerNumber(2)}})));
  EXPECT_EQ(read(store_).words, "j/00000004.jsonl:1: lines 16 to 16 are missing\n");
}

TEST(JournalReaderOfAFaultyStore, NamesAnUnreadableSegmentAndGoesOn) {
  FaultyStore store;
  ASSERT_TRUE(write_journal(store, "j", {{begun_of(1)}, {Ended{0, ""}}, {Ended{0, ""}}}));
  store.unreadable = "j/00000002.jsonl";
  const Read found = read(store);
  EXPECT_EQ(found.lines.size(), 2u);
  EXPECT_EQ(found.words, "j/00000002.jsonl:0: cannot be read: 500 Internal Error\n");
}

TEST(JournalReaderOfAFaultyStore, ASegmentThatDoesNotComeOverANetworkIsNoDamage) {
  FaultyStore store;
  store.remote = true;
  ASSERT_TRUE(write_journal(store, "j", {{begun_of(1)}, {Ended{0, ""}}}));
  store.unreadable = "j/00000002.jsonl";
  const auto summary = read_journal(store, "j", [](const JournalLine&) {});
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().code, Code::kStore);
}

TEST(JournalReaderOfAFaultyStore, SegmentsOverANetworkAreTakenInTheirOrder) {
  FaultyStore store;
  std::vector<std::vector<Event>> segments(100, {Ended{0, ""}});
  segments.front() = {begun_of(1)};
  ASSERT_TRUE(write_journal(store, "j", segments));
  const Read here = read(store);
  store.remote = true;
  const Read there = read(store);
  EXPECT_EQ(there.words, "");
  EXPECT_EQ(there.lines.size(), segments.size());
  EXPECT_EQ(there.lines, here.lines);
}

TEST(JournalReaderOfAFaultyStore, AStoreThatDoesNotAnswerIsNoDamage) {
  FaultyStore store;
  ASSERT_TRUE(write_journal(store, "j", {{begun_of(1)}}));
  store.down = true;
  const auto summary = read_journal(store, "j", [](const JournalLine&) {});
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().code, Code::kStore);
}

TEST(JournalReaderOfRubbish, OneLineOfManyStartsTakesNoTimeToSpeakOf) {
  MemoryStore store;
  std::string rubbish;
  for (size_t i = 0; i < 1000000; ++i) rubbish += "{\"n\":rubbish ";
  const std::string sound = encode_line({1, 1, begun_of(1)});
  ASSERT_TRUE(store.put("j/00000001.jsonl", rubbish + sound));
  const Read found = read(store);  // quadratic, this would take hours
  EXPECT_EQ(found.lines, std::vector<std::string>{sound});
  EXPECT_EQ(found.summary.damages.size(), 1u);
}

TEST(JournalReaderOfRubbish, NamesALimitedNumberOfDamages) {
  MemoryStore store;
  std::string rubbish;
  for (size_t i = 0; i < 2 * kMaxDamages; ++i) rubbish += "{\"n\":rubbish\n";
  ASSERT_TRUE(store.put("j/00000001.jsonl", rubbish));
  size_t told = 0;
  const auto summary = read_journal(
      store, "j", [](const JournalLine&) {}, [&](const Damage&) { ++told; });
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->damages.size(), kMaxDamages);
  EXPECT_EQ(summary->damages.back().what, "further damage is not named");
  EXPECT_EQ(told, 2 * kMaxDamages);
}

}  // namespace
}  // namespace mnp::model
