#include "mnp/model/json_line.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace mnp::model {
namespace {

std::string text_of(std::string_view value) {
  std::string out;
  JsonWriter(out).text(value);
  return out;
}
std::string seconds_of(double value) {
  std::string out;
  JsonWriter(out).seconds(value);
  return out;
}
/// What was read as text; "BAD" when the whole of it is no string.
std::string read_text(std::string_view json) {
  JsonReader in(json);
  std::string text = in.text();
  return in.whole() ? text : "BAD";
}

TEST(JsonText, EscapesWhatJsonMust) {
  EXPECT_EQ(text_of("a\"b\\c\nd\te\x01"), R"("a\"b\\c\nd\te\u0001")");
  EXPECT_EQ(text_of(std::string_view("\0", 1)), R"("\u0000")");
}

TEST(JsonText, LeavesUtf8AloneAndEscapesOtherBytes) {
  EXPECT_EQ(text_of("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
            "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
  EXPECT_EQ(text_of("a\xff"), R"("a\udcff")");
  EXPECT_EQ(text_of("\xc0\x80"), R"("\udcc0\udc80")");            // overlong
  EXPECT_EQ(text_of("\xed\xb3\xbf"), R"("\udced\udcb3\udcbf")");  // a surrogate
  EXPECT_EQ(text_of("\xf4\x90\x80\x80"), R"("\udcf4\udc90\udc80\udc80")");
  EXPECT_EQ(text_of("\xe2\x82"), R"("\udce2\udc82")");  // cut short
}

TEST(JsonText, ReadsBackAnyTwoBytes) {
  for (int first = 0; first < 256; ++first)
    for (int second = 0; second < 256; ++second) {
      const std::string bytes = {static_cast<char>(first), static_cast<char>(second), 'z'};
      ASSERT_EQ(read_text(text_of(bytes)), bytes) << first << " " << second;
    }
}

TEST(JsonText, IsJsonForOthers) {
  const std::string text = "tab\t quote\" \xc3\xa9 \x1f";
  EXPECT_EQ(nlohmann::json::parse(text_of(text)).get<std::string>(), text);
}

TEST(JsonText, ReadsEveryEscapeOfJson) {
  EXPECT_EQ(read_text(R"("\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00")"),
            "\"\\/\b\f\n\r\tA\xc3\xa9\xf0\x9f\x98\x80");
}

TEST(JsonText, RefusesWhatIsNoString) {
  for (const char* json : {"", "a", "\"", "\"a", R"("\x")", R"("\u12")", R"("\u12g4")",
                           R"("\ud800")", R"("\ud800\u0041")", R"("\udc00")", R"("\udfff")",
                           "\"\n\"", "\"\xff\"", "\"a\"b", R"("\u+123")"})
    EXPECT_EQ(read_text(json), "BAD") << json;
}

TEST(JsonSeconds, KeepsMicroseconds) {
  EXPECT_EQ(seconds_of(1769871901.123456), "1769871901.123456");
  EXPECT_EQ(seconds_of(0.0000014), "0.000001");
  EXPECT_EQ(seconds_of(0.9999999), "1.000000");
  for (const double value : {0.0, 0.000001, 0.1, 1769871901.123456, 8999999999.999999}) {
    const std::string text = seconds_of(value);
    JsonReader in(text);
    EXPECT_DOUBLE_EQ(in.seconds(), value);
    EXPECT_TRUE(in.whole());
  }
}

TEST(JsonSeconds, WritesANumberForWhatIsNoTime) {
  EXPECT_EQ(seconds_of(std::nan("")), "0.000000");
  EXPECT_EQ(seconds_of(-1), "0.000000");
  EXPECT_EQ(seconds_of(std::numeric_limits<double>::infinity()), "9000000000.000000");
}

TEST(JsonReader, ReadsNumbersInTheirRange) {
  const auto number = [](std::string_view text, uint64_t most) {
    JsonReader in(text);
    const uint64_t value = in.number(most);
    return in.whole() ? std::to_string(value) : "BAD";
  };
  EXPECT_EQ(number("18446744073709551615", ~0ull), "18446744073709551615");
  EXPECT_EQ(number("0", 5), "0");
  for (const char* text : {"", "-1", "6", "00", "01", "1.0", "1e0", "18446744073709551616"})
    EXPECT_EQ(number(text, 5), "BAD") << text;
}

TEST(JsonReader, ReadsIntegersOfBothSigns) {
  const auto integer = [](std::string_view text) {
    JsonReader in(text);
    const int value = in.integer();
    return in.whole() ? std::to_string(value) : "BAD";
  };
  EXPECT_EQ(integer("-2147483648"), "-2147483648");
  EXPECT_EQ(integer("2147483647"), "2147483647");
  EXPECT_EQ(integer("2147483648"), "BAD");
  EXPECT_EQ(integer("--1"), "BAD");
  EXPECT_EQ(integer("-"), "BAD");
}

TEST(JsonReader, AfterOneThingOutOfPlaceAllIsEmpty) {
  JsonReader in(R"(,"a":1,"b":"x")");
  EXPECT_FALSE(in.has("b"));
  in.member("b");
  EXPECT_TRUE(in.bad());
  EXPECT_EQ(in.number(), 0u);
  EXPECT_EQ(in.text(), "");
  EXPECT_EQ(in.hex64(), 0u);
  EXPECT_FALSE(in.whole());
}

TEST(JsonReader, ReadsHexOfFixedLength) {
  std::string text;
  JsonWriter(text).hex64(0xabcdef).hex32(7);
  EXPECT_EQ(text, R"("0000000000abcdef""00000007")");
  JsonReader in(text);
  EXPECT_EQ(in.hex64(), 0xabcdefu);
  EXPECT_EQ(in.hex32(), 7u);
  EXPECT_TRUE(in.whole());
  JsonReader upper(R"("ABCDEF00")");
  upper.hex32();
  EXPECT_TRUE(upper.bad());
}

}  // namespace
}  // namespace mnp::model
