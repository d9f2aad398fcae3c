#include "launcher/log_printer.hpp"

#include <gtest/gtest.h>

namespace mnp::launcher {
namespace {

std::string printed(LogPrinter::Form form,
                    const std::vector<std::pair<uint32_t, std::string>>& chunks) {
  testing::internal::CaptureStdout();
  LogPrinter printer(form);
  for (const auto& [command, bytes] : chunks)
    printer.print("s", CommandIndex(command), {CommandIndex(command), 1, 2.5, bytes});
  printer.flush();
  return testing::internal::GetCapturedStdout();
}

TEST(LogPrinter, LinesThatComeInPiecesAreWhole) {
  EXPECT_EQ(printed(LogPrinter::Form::kLines, {{1, "he"}, {2, "x\ny"}, {1, "llo\n\nend"}}),
            "s/2 | x\ns/1 | hello\ns/1 | \ns/1 | end\ns/2 | y\n");
}

TEST(LogPrinter, WhatAStartLeavesOpenIsNoLineWithTheNextOnes) {
  testing::internal::CaptureStdout();
  LogPrinter printer(LogPrinter::Form::kLines);
  printer.print("s", CommandIndex(1), {CommandIndex(1), 1, 2.5, "cannot open x"});
  printer.print("s", CommandIndex(1), {CommandIndex(1), 2, 2.5, "ok\n"});
  printer.print("s", std::nullopt, {CommandIndex(7), 1, 2.5, "seven"});
  printer.print("s", std::nullopt, {CommandIndex(8), 1, 2.5, "eight"});
  printer.flush();
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "s/1 | cannot open x\ns/1 | ok\ns/- | seven\ns/- | eight\n");
}

TEST(LogPrinter, BytesStayAsTheyAre) {
  EXPECT_EQ(printed(LogPrinter::Form::kBytes, {{1, "a\r"}, {1, std::string("\0b", 2)}}),
            std::string("a\r\0b", 4));
}

TEST(LogPrinter, CutIsSaidInALineOfItsOwnAndNeverAmongBytes) {
  const cpu::OutputChunk half{CommandIndex(1), 1, 2.5, "ha"}, cut{CommandIndex(1), 1, 2.5, "", 2};
  for (const auto& [form, expected] :
       {std::pair(LogPrinter::Form::kLines,
                  "s/1 | ha\ns/1 | [mnp: output cut at 2 bytes; see max_output]\n"),
        std::pair(LogPrinter::Form::kBytes, "ha"),
        std::pair(LogPrinter::Form::kJson,
                  "{\"stage\":\"s\",\"command\":1,\"start\":1,\"time\":2.5,\"text\":\"ha\"}\n"
                  "{\"stage\":\"s\",\"command\":1,\"start\":1,\"time\":2.5,\"text\":\"\","
                  "\"cut_at\":2}\n")}) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    LogPrinter printer(form);
    printer.print("s", half.command, half);
    printer.print("s", cut.command, cut);
    printer.flush();
    EXPECT_EQ(testing::internal::GetCapturedStdout(), expected);
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              form == LogPrinter::Form::kBytes
                  ? "s/1: [mnp: output cut at 2 bytes; see max_output]\n"
                  : "");
  }
}

TEST(LogPrinter, JsonIsALineAChunk) {
  EXPECT_EQ(printed(LogPrinter::Form::kJson, {{1, "a\n"}}),
            "{\"stage\":\"s\",\"command\":1,\"start\":1,\"time\":2.5,\"text\":\"a\\n\"}\n");
}

TEST(LogPrinter, CommandsHaveTheirNumbersOfToday) {
  const cpu::OutputChunk chunk{CommandIndex(1), 1, 2.5, "a\n"};
  testing::internal::CaptureStdout();
  LogPrinter lines(LogPrinter::Form::kLines), json(LogPrinter::Form::kJson);
  lines.print("s", CommandIndex(7), chunk);
  lines.print("s", std::nullopt, chunk);
  json.print("s", std::nullopt, chunk);
  json.flush();
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "s/7 | a\ns/- | a\n"
            "{\"stage\":\"s\",\"command\":null,\"start\":1,\"time\":2.5,\"text\":\"a\\n\"}\n");
}

}  // namespace
}  // namespace mnp::launcher
