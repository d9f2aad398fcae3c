#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "mnp/core/files.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/journal.hpp"
#include "tests/model/journal_fixture.hpp"

namespace mnp::model {
namespace {

std::string refusal(std::string_view line) {
  const auto read = decode_line(line);
  return read ? "" : read.error().text;
}

/// The line with another body and the checksum that fits.
std::string with_checksum(const std::string& body) {
  return body + ",\"crc\":\"" + hex32(crc32c(body)) + "\"}\n";
}

TEST(JournalLine, LooksAsDocumented) {
  EXPECT_EQ(encode_line({3, 1769871901.5, Sealed{OwnerNumber(4)}}),
            with_checksum(R"({"n":3,"t":1769871901.500000,"e":"sealed","by":4)"));
  EXPECT_EQ(
      encode_line({9, 1.5, RecordKept{full_record(), 0xabc}}),
      with_checksum(
          R"({"n":9,"t":1.500000,"e":"record","command":7,"identity":"0000000000000abc","start":2,)"
          R"("node":3,"incarnation":1,"slot":5,"signal":9,"started":1769871901.123456,)"
          R"("ended":1769871902.250000,"cpu":0.750000,"rss":123456,)"
          R"("output":[4,1099511627776,17,1],"files":[["a/b.npy",12,"deadbeef"],)"
          R"(["s \"q\" \udcff)"
          "\xc3\xa9"
          R"(\n",0,"00000001",1]],"error":"publish results: 'a' is there")"));
}

TEST(JournalLine, ReadsEveryEventItWrote) {
  uint64_t sequence = 0;
  for (const Event& event : every_event()) {
    const std::string line = encode_line({++sequence, 1769871901.123456, event});
    const auto read = decode_line(line);
    ASSERT_TRUE(read) << line << read.error().text;
    EXPECT_EQ(read->sequence, sequence);
    EXPECT_EQ(read->time, 1769871901.123456);
    EXPECT_EQ(read->event.index(), event.index());
    EXPECT_EQ(encode_line(*read), line);
  }
}

TEST(JournalLine, KeepsARecordAsItWas) {
  const auto read = decode_line(encode_line({1, 2, RecordKept{full_record(), 99}}));
  ASSERT_TRUE(read);
  EXPECT_EQ(std::get<RecordKept>(read->event).record, full_record());
  EXPECT_EQ(std::get<RecordKept>(read->event).identity, 99u);
}

TEST(JournalLine, IsJsonForOthers) {
  for (const Event& event : every_event()) {
    if (encode_line({1, 2, event}).find("\\udc") != std::string::npos) continue;  // raw bytes
    const auto json = nlohmann::json::parse(encode_line({1, 2, event}));
    EXPECT_EQ(json["n"], 1);
    EXPECT_TRUE(json["e"].is_string());
    EXPECT_TRUE(json["crc"].is_string());
  }
}

TEST(JournalLine, NoticesEveryFlippedBitAndEveryTruncation) {
  for (const Event& event : every_event()) {
    const std::string line = encode_line({17, 1769871901.123456, event});
    for (size_t at = 0; at < line.size(); ++at) {
      EXPECT_FALSE(decode_line(std::string_view(line).substr(0, at))) << at;
      for (int bit = 0; bit < 8; ++bit) {
        std::string flipped = line;
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
        EXPECT_FALSE(decode_line(flipped)) << at << ": " << flipped;
      }
    }
    EXPECT_FALSE(decode_line(line + "\n"));
  }
}

TEST(JournalLine, SaysWhatIsWrong) {
  const std::string line = encode_line({1, 2, Sealed{OwnerNumber(4)}});
  EXPECT_EQ(refusal(line.substr(0, line.size() - 1)), "torn: no newline at its end");
  EXPECT_EQ(refusal("\n"), "too short for a line");
  EXPECT_EQ(refusal(std::string(100, 'x') + "\n"), "no checksum at its end");
  EXPECT_NE(refusal("{\"n\":2" + line.substr(6)).find("its checksum says "), std::string::npos);
  EXPECT_EQ(refusal(with_checksum(R"({"t":1.000000)")),
            "does not start with number, time and event");
  EXPECT_EQ(refusal(with_checksum(R"({"n":1,"t":1.000000,"e":"danced")")), "an unknown event");
  EXPECT_EQ(refusal(with_checksum(R"({"n":1,"t":1.000000,"e":"sealed","by":-1)")),
            "'sealed' has members out of place after byte 32");
  EXPECT_NE(refusal(with_checksum(R"({"n":1,"t":1.000000,"e":"sealed","by":1,"x":2)")), "");
}

TEST(JournalLine, TheDocumentsExamplesAreLines) {
  const auto text = read_file(fs::path(MNP_SOURCE_DIR) / "docs/journal.md");
  ASSERT_TRUE(text);
  std::set<size_t> kinds;
  for (const std::string& line : split(*text, '\n')) {
    if (!starts_with(line, "{\"n\":")) continue;
    const auto read = decode_line(line + "\n");
    ASSERT_TRUE(read) << line << ": " << read.error().text;
    EXPECT_EQ(encode_line(*read), line + "\n");
    kinds.insert(read->event.index());
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<Event>) << "an example of every event";
}

TEST(JournalLine, DealsManyCompactly) {
  Dealt dealt{NodeIndex(1), Incarnation(1), {}, false};
  for (uint32_t i = 0; i < 1000; ++i) dealt.items.push_back({CommandIndex(i), 1, ~uint64_t{i}});
  EXPECT_LT(encode_line({1, 2, dealt}).size(), 1000u * 30);
}

}  // namespace
}  // namespace mnp::model
