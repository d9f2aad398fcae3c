#include "mnp/core/text.hpp"

#include <gtest/gtest.h>

namespace mnp {
namespace {

TEST(Trim, TakesBlanksFromBothEnds) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_EQ(split("a,,b,", ','), (std::vector<std::string>{"a", "", "b", ""}));
  EXPECT_EQ(split("", ','), std::vector<std::string>{""});
  EXPECT_EQ(join({"a", "b", "c"}, ", "), "a, b, c");
}

TEST(StartsWith, ComparesTheStart) {
  EXPECT_TRUE(starts_with("abc", "ab"));
  EXPECT_TRUE(starts_with("abc", ""));
  EXPECT_FALSE(starts_with("ab", "abc"));
}

TEST(ParseInteger, TakesWholeDecimalNumbersOnly) {
  EXPECT_EQ(*parse_integer("-12"), -12);
  for (const char* text : {"", "1.5", "12x", " 1", "0x10", "99999999999999999999"})
    EXPECT_FALSE(parse_integer(text)) << text;
  EXPECT_EQ(parse_integer("12x").error().text, "'12x' is not a whole number");
}

TEST(ParseBytes, KnowsBothKindsOfUnits) {
  EXPECT_EQ(*parse_bytes("1000"), 1000u);
  EXPECT_EQ(*parse_bytes("4GiB"), uint64_t{4} << 30);
  EXPECT_EQ(*parse_bytes("512M"), 512000000u);
  EXPECT_EQ(*parse_bytes("1.5 KiB"), 1536u);
  EXPECT_EQ(*parse_bytes("7B"), 7u);
  for (const char* text : {"", "x", "-1", "1X", "1iB", "1 GiBB", "99999999999GiB"})
    EXPECT_FALSE(parse_bytes(text)) << text;
}

TEST(ParseDuration, AddsUnits) {
  using namespace std::chrono_literals;
  EXPECT_EQ(*parse_duration("90"), 90s);
  EXPECT_EQ(*parse_duration("250ms"), 250ms);
  EXPECT_EQ(*parse_duration("1h30m"), 90min);
  EXPECT_EQ(*parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(*parse_duration("2d"), 48h);
  for (const char* text : {"", "x", "-1s", "1y", "1h30", "5 fortnights"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Format, IsForPeople) {
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(uint64_t{5000} << 40), "5000.0 TiB");
  EXPECT_EQ(format_duration(0.314), "0.31 s");
  EXPECT_EQ(format_duration(59.2), "59 s");
  EXPECT_EQ(format_duration(125), "2m 05s");
  EXPECT_EQ(format_duration(3725), "1h 02m");
}

TEST(Nearest, FindsSlipsAndNoStrangers) {
  const std::vector<std::string> keys = {"nodes", "timeout", "tries"};
  EXPECT_EQ(nearest("node", keys), "nodes");
  EXPECT_EQ(nearest("timeot", keys), "timeout");
  EXPECT_EQ(nearest("elephant", keys), "");
}

// RFC 3629, section 4.
TEST(Utf8, KnowsWellFormedCharacters) {
  EXPECT_EQ(utf8_length("a"), 1u);
  EXPECT_EQ(utf8_length("\xc3\xa9z"), 2u);
  EXPECT_EQ(utf8_length("\xe1\x88\xb4"), 3u);
  EXPECT_EQ(utf8_length("\xf0\x9f\x98\x82"), 4u);
  for (const char* wrong : {"\xe9", "\xe9t", "\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
                            "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"})
    EXPECT_EQ(utf8_length(wrong), 0u);
}

// From the FNV authors' test vectors.
TEST(Fnv1a, HashesAsPublished) {
  EXPECT_EQ(fnv1a(""), 0xcbf29ce484222325u);
  EXPECT_EQ(fnv1a("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(fnv1a("foobar"), 0x85944171f73967e8u);
}

// RFC 3720, appendix B.4.
TEST(Crc32c, ChecksumsAsPublished) {
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string rising;
  for (char c = 0; c < 32; ++c) rising += c;
  EXPECT_EQ(crc32c(rising), 0x46dd794eu);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
}

TEST(Crc32c, ChainsPiecesOfAnyLength) {
  const std::string text = "the quick brown fox jumps over the lazy dog";
  for (size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_EQ(crc32c(text.substr(cut), crc32c(text.substr(0, cut))), crc32c(text));
}

TEST(Crc32c, JoinsPiecesByTheirOwnChecksums) {
  const std::string text = std::string(300, 'x') + "the quick brown fox" + std::string(5000, '\0');
  for (size_t cut = 0; cut <= text.size(); cut += 7)
    EXPECT_EQ(crc32c_join(crc32c(text.substr(0, cut)), crc32c(text.substr(cut)),
                          text.size() - cut),
              crc32c(text));
}

TEST(Hex, IsLowerCaseOfFixedLength) {
  EXPECT_EQ(hex32(0xabc), "00000abc");
  EXPECT_EQ(hex64(0xABCDEF0123456789u), "abcdef0123456789");
}

}  // namespace
}  // namespace mnp
