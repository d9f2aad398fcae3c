#include "mnp/model/report.hpp"

#include <algorithm>
#include <cerrno>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "mnp/core/text.hpp"

namespace mnp::model {
namespace {

Progress some_progress() {
  Progress progress;
  progress.state = "FAILED";
  progress.attempt = 2;
  progress.nodes = 4;
  progress.joined = 3;
  progress.total = 100;
  progress.done = 40;
  progress.failed = 2;
  progress.running = 8;
  progress.started = 1769871901.123456;
  progress.ended = 1769871999;
  progress.updated = 1769871998.5;
  progress.status = 10;
  progress.text = "2 commands failed: \"x\"";
  return progress;
}

Outcome outcome(CommandState state, Ending ending) {
  Outcome outcome;
  outcome.state = state;
  outcome.tries = 2;
  outcome.start = 2;
  outcome.node = NodeIndex(3);
  outcome.slot = SlotIndex(1);
  outcome.ending = ending;
  outcome.cpu_seconds = 0.25;
  outcome.started = 1769871901.5;
  outcome.ended = 1769871902.25;
  outcome.max_rss_kib = 4096;
  return outcome;
}

TEST(Progress, ReadsWhatItWrote) {
  const auto read = progress_from_json(progress_to_json(some_progress()));
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(progress_to_json(*read), progress_to_json(some_progress()));
  EXPECT_EQ(read->state, "FAILED");
  EXPECT_EQ(read->started, 1769871901.123456);
  EXPECT_EQ(read->status, 10);
  EXPECT_EQ(read->text, some_progress().text);
}

TEST(Progress, RefusesWhatItDidNotWrite) {
  const std::string whole = progress_to_json(some_progress());
  for (size_t size = 0; size + 1 < whole.size(); ++size)
    EXPECT_FALSE(progress_from_json(whole.substr(0, size))) << size;
  for (const char* text : {"[]", "null", "{}", R"({"state":1})"}) {
    const auto read = progress_from_json(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Code::kProtocol);
  }
}

TEST(Progress, SaysTextThatIsNoUtf8) {
  Progress progress = some_progress();
  progress.text = "\xff";
  EXPECT_TRUE(progress_from_json(progress_to_json(progress)));
}

std::string text_of(const Outcomes& outcomes) {
  std::string text;
  const auto written = outcomes_to_jsonl(outcomes, [&](std::string_view rows) {
    text += rows;
    return Status();
  });
  EXPECT_TRUE(written);
  return text;
}

TEST(OutcomesJsonl, HasALineACommandAsDocumented) {
  using Kind = Ending::Kind;
  Outcomes outcomes;
  outcomes.commands = {outcome(CommandState::kSucceeded, {Kind::kExited, 0}),
                       outcome(CommandState::kFailed, {Kind::kExited, 3}),
                       outcome(CommandState::kFailed, {Kind::kSignalled, 9}),
                       outcome(CommandState::kTimedOut, {Kind::kTimedOut, 0}),
                       outcome(CommandState::kFailed, {Kind::kNotStarted, ENOENT}),
                       outcome(CommandState::kFailed, {Kind::kNotStarted, EACCES}),
                       Outcome(),
                       outcome(CommandState::kFailed, {Kind::kExited, 0})};
  outcomes.commands[6].tries = 3;
  outcomes.commands[6].state = CommandState::kPoisoned;
  outcomes.commands.emplace_back();
  outcomes.errors[CommandIndex(7)] = "results: \"a\" is there";
  const std::string rest =
      R"("tries":2,"node":3,"slot":1,"start":1769871901.500000,"end":1769871902.250000,)"
      R"("cpu_s":0.250000,"max_rss_kib":4096)";
  EXPECT_EQ(text_of(outcomes), R"({"index":0,"state":"succeeded","exit":0,)" + rest + "}\n" +
                                   R"({"index":1,"state":"failed","exit":3,)" + rest + "}\n" +
                                   R"({"index":2,"state":"failed","signal":9,)" + rest + "}\n" +
                                   R"({"index":3,"state":"timed_out",)" + rest + "}\n" +
                                   R"({"index":4,"state":"failed","exit":127,)" + rest +
                                   R"(,"error":"could not be started: No such file or directory"})"
                                   "\n" +
                                   R"({"index":5,"state":"failed","exit":126,)" + rest +
                                   R"(,"error":"could not be started: Permission denied"})"
                                   "\n" +
                                   R"({"index":6,"state":"poisoned","tries":3})"
                                   "\n" +
                                   R"({"index":7,"state":"failed","exit":0,)" + rest +
                                   R"(,"error":"results: \"a\" is there"})"
                                   "\n" +
                                   R"({"index":8,"state":"not_run","tries":0})"
                                   "\n");
}

TEST(OutcomesJsonl, IsJsonForOthers) {
  Outcomes outcomes;
  outcomes.commands = {outcome(CommandState::kSucceeded, {})};
  const auto json = nlohmann::json::parse(text_of(outcomes));
  EXPECT_EQ(json["start"], 1769871901.5);
  EXPECT_EQ(json["cpu_s"], 0.25);
}

TEST(OutcomesJsonl, IsWrittenInBlocksUntilOneFails) {
  Outcomes outcomes;
  outcomes.commands.resize(100000);
  std::string text;
  size_t blocks = 0, largest = 0;
  const auto take = [&](std::string_view rows) {
    text += rows;
    largest = std::max(largest, rows.size());
    return ++blocks < 3 ? Status() : fail(Code::kIo, "the disk is full");
  };
  EXPECT_EQ(outcomes_to_jsonl(outcomes, take).error().text, "the disk is full");
  EXPECT_EQ(blocks, 3U);
  EXPECT_LT(largest, size_t{2} << 20);
  EXPECT_EQ(text.substr(text.rfind('\n', text.size() - 2) + 1).substr(0, 9), "{\"index\":");
  EXPECT_EQ(text.back(), '\n');
  EXPECT_EQ(split(text_of(outcomes), '\n').size(), 100001U);
}

TEST(Outcome, StaysSmall) {
  EXPECT_LE(sizeof(Outcome), 72u);
}

}  // namespace
}  // namespace mnp::model
