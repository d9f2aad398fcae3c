#include <unistd.h>

#include <gtest/gtest.h>

#include "launcher/command_source.hpp"
#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

constexpr std::chrono::seconds kHang{60};

TEST(OutputOf, TakesMoreThanAPipeHolds) {
  const auto text = output_of("seq 1 100000", "", "/", kHang);
  ASSERT_TRUE(text) << text.error().text;
  EXPECT_EQ(text->size(), 588895u);
  EXPECT_EQ(text->substr(text->size() - 13), "99999\n100000\n");
}

TEST(OutputOf, StandardInputIsEmptyAndStandardErrorNotPartOfIt) {
  auto typed = make_pipe();
  ASSERT_TRUE(typed && write_all(typed->write.get(), "typed\n", Clock::now() + kHang));
  typed->write.reset();
  const Fd before(::dup(STDIN_FILENO));
  ::dup2(typed->read.get(), STDIN_FILENO);
  testing::internal::CaptureStderr();
  const auto text = output_of("cat; echo list; echo words >&2", "", "/", kHang);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "words\n");
  ::dup2(before.get(), STDIN_FILENO);
  ASSERT_TRUE(text) << text.error().text;
  EXPECT_EQ(*text, "list\n");
}

TEST(OutputOf, KeepsTheOperatorsEnvironment) {
  ::setenv("OUTPUT_OF_TEST", "of the operator", 1);
  const auto text = output_of("echo $OUTPUT_OF_TEST; command -v ls", "", "/nowhere", kHang);
  ::unsetenv("OUTPUT_OF_TEST");
  ASSERT_TRUE(text) << text.error().text;
  EXPECT_EQ(split(*text, '\n').front(), "of the operator");
  EXPECT_NE(text->find("/ls\n"), std::string::npos) << "the operator's PATH follows ours";
}

TEST(OutputOf, NamesTheSignalOfAFailure) {
  const auto text = output_of("echo x; kill -9 $$", "", "/", kHang);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Code::kConfig);
  EXPECT_NE(text.error().text.find("signal 9"), std::string::npos) << text.error().text;
}

TEST(OutputOf, SaysThatTheFolderIsNotThere) {
  const auto folder = TemporaryFolder::create("output-of-test-");
  const auto text = output_of("echo x", folder->path() / "gone", "/", kHang);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Code::kConfig);
  EXPECT_NE(text.error().text.find("No such file"), std::string::npos) << text.error().text;
}

TEST(OutputOf, WhatHoldsTheListOpenIsEndedWithTheProgram) {
  const auto folder = TemporaryFolder::create("output-of-test-");
  const auto text =
      output_of("sleep 1000 & echo $! > pid; wait", folder->path(), "/", std::chrono::seconds(2));
  ASSERT_FALSE(text);
  EXPECT_NE(text.error().text.find("in time"), std::string::npos) << text.error().text;
  const auto pid = read_file(folder->path() / "pid");
  ASSERT_TRUE(pid);
  const auto state = read_file("/proc/" + std::string(trim(*pid)) + "/stat");
  EXPECT_TRUE(!state || state->find(") Z") != std::string::npos) << *state;
}

TEST(OutputOf, RunsInTheFolderWithOursFirstOnPath) {
  const auto folder = TemporaryFolder::create("output-of-test-");
  const auto text =
      output_of("pwd; echo ${PATH%%:*}", folder->path(), "/opt/mnp/bin", std::chrono::seconds(30));
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, folder->path().string() + "\n/opt/mnp/bin\n");
}

TEST(OutputOf, NamesTheStatusOfAFailure) {
  const auto text = output_of("echo x; exit 7", "", "/", std::chrono::seconds(30));
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Code::kConfig);
  EXPECT_NE(text.error().text.find("status 7"), std::string::npos);
}

TEST(OutputOf, EndsAProgramThatNeverEnds) {
  const auto begun = Clock::now();
  const auto text = output_of("sleep 100; echo x", "", "/", Milliseconds(200));
  ASSERT_FALSE(text);
  EXPECT_LT(Clock::now() - begun, std::chrono::seconds(50));
}

}  // namespace
}  // namespace mnp::launcher
