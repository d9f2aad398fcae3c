#include "mnp/model/journal_segments.hpp"

#include <gtest/gtest.h>

#include "tests/model/journal_fixture.hpp"

namespace mnp::model {
namespace {

TEST(Segment, HasOneNameOfEachNumber) {
  EXPECT_EQ(segment_key("j", 1), "j/00000001.jsonl");
  for (const uint32_t number : {1u, 99999999u, 100000000u, 4294967295u})
    EXPECT_EQ(segment_number(segment_key("j", number).substr(2)), number);
  for (const char* name : {"00000000.jsonl", "1.jsonl", "000000001.jsonl", "00000001.json",
                           "0000000x.jsonl", "4294967296.jsonl", "00000001.jsonl~", ".jsonl", ""})
    EXPECT_FALSE(segment_number(name)) << name;
}

TEST(Segments, AreListedByNumber) {
  MemoryStore store;
  for (const char* key : {"j/100000000.jsonl", "j/99999999.jsonl", "j/00000002.jsonl",
                          "j/notes.txt", "jj/00000005.jsonl"})
    ASSERT_TRUE(store.put(key, "-"));
  EXPECT_EQ(*list_segments(store, "j"), (std::vector<uint32_t>{2, 99999999, 100000000}));
}

TEST(Segment, IsASealByItsFirstLine) {
  const std::string seal = encode_line({5, 1, Sealed{OwnerNumber(2)}});
  EXPECT_TRUE(is_seal(seal));
  EXPECT_FALSE(is_seal(encode_line({5, 1, Ended{0, ""}}) + seal));
  EXPECT_FALSE(is_seal(seal.substr(0, seal.size() - 1)));
  EXPECT_FALSE(is_seal(""));
}

}  // namespace
}  // namespace mnp::model
