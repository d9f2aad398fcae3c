#include "mnp/model/record.hpp"

#include <gtest/gtest.h>

#include "tests/model/journal_fixture.hpp"

namespace mnp::model {
namespace {

std::string bytes_of(const Record& record) {
  Encoder out;
  encode(record, out);
  return out.take();
}

std::string refusal(Record record, void (*change)(Record&)) {
  change(record);
  const auto checked = check(record);
  return checked ? "" : checked.error().text;
}

TEST(Ending, IsSaidForPeople) {
  using Kind = Ending::Kind;
  EXPECT_EQ(to_text(Ending{Kind::kExited, 3}), "exit 3");
  EXPECT_EQ(to_text(Ending{Kind::kSignalled, 9}), "signal 9 (SIGKILL)");
  EXPECT_EQ(to_text(Ending{Kind::kSignalled, 99}), "signal 99");
  EXPECT_EQ(to_text(Ending{Kind::kTimedOut, 0}), "timed out");
  EXPECT_EQ(to_text(Ending{Kind::kNotStarted, 2}),
            "could not be started: No such file or directory");
  EXPECT_EQ(to_text(Ending{Kind::kNotStarted, 9999}), "could not be started: error 9999");
}

TEST(Record, SucceedsOnlyWithItsResults) {
  Record record;
  EXPECT_TRUE(record.success());
  record.error = "another command's name";
  EXPECT_FALSE(record.success());
  EXPECT_FALSE(failed_record(1, 1).success());
}

TEST(Record, ReadsWhatItWrote) {
  for (const Record& record : {Record(), failed_record(1, 1), full_record()}) {
    const std::string bytes = bytes_of(record);
    Decoder in(bytes);
    EXPECT_EQ(decode_record(in), record);
    EXPECT_TRUE(in.finish("record"));
    EXPECT_TRUE(check(record));
  }
}

TEST(Record, NoticesEveryTruncation) {
  const std::string bytes = bytes_of(full_record());
  for (size_t size = 0; size < bytes.size(); ++size) {
    Decoder in(std::string_view(bytes).substr(0, size));
    decode_record(in);
    EXPECT_FALSE(in.finish("record")) << size;
  }
}

TEST(Record, CutsALongError) {
  Record record;
  record.error = std::string(kMaxRecordError + 1, 'x');
  const std::string bytes = bytes_of(record);
  Decoder in(bytes);
  EXPECT_EQ(decode_record(in).error.size(), kMaxRecordError);
}

TEST(Record, IsRefusedOverItsLimits) {
  EXPECT_EQ(refusal(full_record(), [](Record& r) { r.start = 0; }),
            "record of command 7, start 0: starts count from 1");
  EXPECT_NE(refusal(full_record(), [](Record& r) { r.ending.kind = Ending::Kind(4); }), "");
  EXPECT_NE(refusal(full_record(), [](Record& r) { r.files.resize(kMaxResultFiles + 1); }), "");
  EXPECT_NE(refusal(full_record(), [](Record& r) { r.files[0].path = ""; }), "");
  EXPECT_NE(refusal(full_record(), [](Record& r) { r.files[0].path.resize(4097, 'x'); }), "");
  EXPECT_NE(refusal(full_record(), [](Record& r) { r.error.resize(kMaxRecordError + 1); }), "");
}

}  // namespace
}  // namespace mnp::model
