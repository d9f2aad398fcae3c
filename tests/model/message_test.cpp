#include "mnp/model/message.hpp"

#include <gtest/gtest.h>

#include "mnp/model/command_list.hpp"
#include "tests/model/journal_fixture.hpp"

namespace mnp::model {
namespace {

const std::vector<Message>& every_message() {
  static const std::vector<Message> messages = {
      Deal{},
      Deal{{{CommandIndex(1), 2, "echo a"}, {CommandIndex(3), 1, std::string("\0\n", 2)}}},
      Deal{{{CommandIndex(2), 3, "kill -9 $PPID"}}, true},
      Ran{{{CommandIndex(1), 2}, {CommandIndex(4), 1}}},
      Stored{{full_record(), failed_record(1, 1)}},
      Kept{{{CommandIndex(9), 3}}},
      Collect{7, 2, {"a", "b"}},
      Held{{{CommandIndex(5), 6}}},
  };
  return messages;
}

/// Everything a message says, so that two can be compared.
struct Words {
  std::string operator()(const Deal& deal) const {
    std::string text = deal.suspect ? "suspect" : "deal";
    for (const auto& item : deal.items) text += starts(item) + item.line;
    return text;
  }
  std::string operator()(const Ran& ran) const { return "ran" + list(ran); }
  std::string operator()(const Kept& kept) const { return "kept" + list(kept); }
  std::string operator()(const Held& held) const { return "held" + list(held); }
  std::string operator()(const Stored& stored) const {
    Encoder out;
    for (const Record& record : stored.records) encode(record, out);
    return "stored" + out.take();
  }
  std::string operator()(const Collect& collect) const {
    std::string text = "collect" + std::to_string(collect.id) + std::to_string(collect.op);
    for (const auto& partial : collect.partials) text += "|" + partial;
    return text;
  }
  template <class Item>
  static std::string starts(const Item& item) {
    return " " + std::to_string(item.command.value()) + "." + std::to_string(item.start) + " ";
  }
  template <class Starts>
  static std::string list(const Starts& of) {
    std::string text;
    for (const auto& item : of.items) text += starts(item);
    return text;
  }
};

std::string refusal(std::string_view bytes) {
  const auto message = decode_message(bytes);
  return message ? "" : message.error().text;
}

TEST(Message, ReadsWhatItWrote) {
  for (const Message& message : every_message()) {
    const auto read = decode_message(encode_message(message));
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_EQ(std::visit(Words(), *read), std::visit(Words(), message));
  }
}

TEST(Message, NoticesEveryTruncationAndWhatIsLeftOver) {
  for (const Message& message : every_message()) {
    const std::string bytes = encode_message(message);
    for (size_t size = 0; size < bytes.size(); ++size)
      EXPECT_FALSE(decode_message(std::string_view(bytes).substr(0, size)))
          << message.index() << " cut to " << size;
    EXPECT_FALSE(decode_message(bytes + "x"));
  }
}

TEST(Message, RefusesUnknownKinds) {
  EXPECT_EQ(refusal(std::string(1, '\0')), "a message of unknown kind 0");
  EXPECT_EQ(refusal("\x07"), "a message of unknown kind 7");
}

TEST(Message, RefusesCountsThatTheBytesCannotHold) {
  for (uint8_t kind = 1; kind <= 6; ++kind)
    EXPECT_FALSE(decode_message(Encoder().u8(kind).u32(0xffffffff).take())) << int{kind};
}

TEST(Message, RefusesALineOverTheListsLimit) {
  EXPECT_TRUE(
      decode_message(encode_message(Deal{{{CommandIndex(0), 1, std::string(kMaxLine, 'x')}}})));
  EXPECT_EQ(refusal(encode_message(Deal{{{CommandIndex(0), 1, std::string(kMaxLine + 1, 'x')}}})),
            "a line of " + std::to_string(kMaxLine + 1) + "; at most " + std::to_string(kMaxLine) +
                " are allowed");
}

TEST(Message, RefusesARecordOutOfItsRange) {
  Record record = full_record();
  record.start = 0;
  EXPECT_EQ(refusal(encode_message(Stored{{record}})),
            "record of command 7, start 0: starts count from 1");
}

}  // namespace
}  // namespace mnp::model
