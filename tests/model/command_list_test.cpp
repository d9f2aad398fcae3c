#include "mnp/model/command_list.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <set>
#include <thread>

#include <gtest/gtest.h>

namespace mnp::model {
namespace {

CommandList parsed(std::string text) {
  auto list = CommandList::parse(std::move(text), "list.txt");
  if (!list) ADD_FAILURE() << list.error().text;
  return list ? std::move(*list) : *CommandList::parse("", "none");
}

std::vector<std::string> lines_of(const CommandList& list) {
  std::vector<std::string> lines;
  for (uint32_t i = 0; i < list.size(); ++i) lines.emplace_back(list.line(CommandIndex(i)));
  return lines;
}

std::string error_of(std::string text) {
  const auto list = CommandList::parse(std::move(text), "list.txt");
  return list ? "" : list.error().text;
}

using Lines = std::vector<std::string>;

TEST(CommandList, SkipsBlankAndCommentLinesAndTakesCrlf) {
  EXPECT_EQ(lines_of(parsed("a 1\r\n\n# comment\n  \t\n\r\n b 2 \nlast")),
            (Lines{"a 1", " b 2 ", "last"}));
  EXPECT_EQ(lines_of(parsed("")), Lines{});
  EXPECT_EQ(lines_of(parsed("# only\n\n")), Lines{});
}

TEST(CommandList, SkipsAByteOrderMark) {
  EXPECT_EQ(lines_of(parsed("\xef\xbb\xbf# comment\nx")), (Lines{"x"}));
  EXPECT_EQ(lines_of(parsed("\xef\xbb\xbf"
                            "first\nsecond\n")),
            (Lines{"first", "second"}));
}

TEST(CommandList, StripsATrailingCostHint) {
  const CommandList list =
      parsed("a # cost=12.5\nb\t#cost=3\nc # cost=0.1  \nd # cost=1e3\r\ne\n # cost=5\n");
  EXPECT_EQ(lines_of(list), (Lines{"a", "b", "c", "d", "e"}));
  EXPECT_TRUE(list.has_costs());
  const std::vector<double> costs = {12.5, 3, 0.1, 1000, 0};
  for (uint32_t i = 0; i < costs.size(); ++i) EXPECT_EQ(list.cost(CommandIndex(i)), costs[i]);
}

TEST(CommandList, LeavesWhatIsNotAHintToTheShell) {
  const Lines lines = {"a # cost=",         "a # cost=-1",    "a # cost=x",     "a# cost=1",
                       "a # cost=1 s",      "a # cost=1e999", "a cost=1",       "a # Cost=1",
                       "echo 'a # cost=1'", "a\\ # cost=1",   "a # cost=1.2.3", "x cost=1 # y"};
  const CommandList list = parsed([&] {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
  }());
  EXPECT_EQ(lines_of(list), lines);
  EXPECT_FALSE(list.has_costs());
}

TEST(CommandList, NamesTheLineOfANulByte) {
  EXPECT_EQ(error_of(std::string("a\n\nb\0c\n", 7)),
            "list.txt:3:2: a NUL byte; the list must be text");
  EXPECT_NE(error_of(std::string("# \0\n", 4)), "");
}

TEST(CommandList, TakesLinesOf128KiBAndNamesALongerOne) {
  EXPECT_EQ(parsed(std::string(kMaxLine, 'x') + "\r\n").line(CommandIndex(0)).size(), kMaxLine);
  EXPECT_EQ(error_of("a\n" + std::string(kMaxLine + 1, 'x')).substr(0, 11), "list.txt:2:");
  EXPECT_NE(error_of("#" + std::string(kMaxLine, 'x')), "");
}

TEST(CommandList, IdentityIsTextAndOccurrence) {
  const auto before = parsed("a\nb\na\nc\n").identities();
  const auto after = parsed("c # cost=3\na\na\r\nd\nb").identities();
  EXPECT_EQ(after[0], before[3]);
  EXPECT_EQ(after[1], before[0]);
  EXPECT_EQ(after[2], before[2]);
  EXPECT_EQ(after[4], before[1]);
  EXPECT_EQ(std::count(before.begin(), before.end(), after[3]), 0);
  EXPECT_NE(before[0], before[2]);
}

// The values stand in journals: they must never change.
TEST(CommandList, IdentitiesAreStable) {
  const auto ids = parsed("echo 1\necho 2\necho 1\n").identities();
  ASSERT_EQ(ids.size(), 3u);
  EXPECT_EQ(ids[0], 0x16569ce59dd4393du);
  EXPECT_EQ(ids[1], 0x3a46b3066d1dba16u);
  EXPECT_EQ(ids[2], 0x20ee8f5086dfa0b8u);
}

TEST(CommandList, ManyEqualLinesHaveDistinctIdentities) {
  std::string text;
  for (int i = 0; i < 100000; ++i)
    text += i % 10 == 0 ? "other " + std::to_string(i) + "\n" : "x\n";
  const auto ids = parsed(text).identities();
  EXPECT_EQ(std::set<uint64_t>(ids.begin(), ids.end()).size(), 100000u);
}

TEST(CommandList, DigestTellsListsApart) {
  const uint64_t digest = parsed("a\nb\n").digest();
  EXPECT_EQ(parsed("# x\na # cost=1\r\n\nb").digest(), digest);
  for (const char* other : {"b\na\n", "a\n", "a\nb\nb\n", "ab\n", ""})
    EXPECT_NE(parsed(other).digest(), digest) << other;
}

TEST(CommandList, OpensFiles) {
  const auto folder = TemporaryFolder::create("mnp-list-");
  ASSERT_TRUE(folder);
  const fs::path file = folder->path() / "list.txt";
  std::string text;
  for (int i = 0; i < 10000; ++i) text += "echo " + std::to_string(i) + "\n";
  ASSERT_TRUE(replace_file(file, text));
  auto list = CommandList::open(file);
  ASSERT_TRUE(list);
  EXPECT_EQ(list->size(), 10000u);
  EXPECT_EQ(list->line(CommandIndex(9999)), "echo 9999");
  CommandList moved = std::move(*list);
  EXPECT_EQ(moved.line(CommandIndex(4096)), "echo 4096");

  ASSERT_TRUE(replace_file(file, ""));
  list = CommandList::open(file);
  ASSERT_TRUE(list);
  EXPECT_EQ(list->size(), 0u);
}

TEST(CommandList, SaysWhatCannotBeOpened) {
  const auto folder = TemporaryFolder::create("mnp-list-");
  ASSERT_TRUE(folder);
  const auto missing = CommandList::open(folder->path() / "none.txt");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_NE(missing.error().text.find("none.txt: No such file"), std::string::npos)
      << missing.error().text;
  const auto is_folder = CommandList::open(folder->path());
  ASSERT_FALSE(is_folder);
  EXPECT_EQ(is_folder.error().code, Code::kConfig);
  EXPECT_NE(is_folder.error().text.find("is a folder"), std::string::npos);
}

TEST(CommandList, ReadsAPipe) {
  const auto folder = TemporaryFolder::create("mnp-list-");
  ASSERT_TRUE(folder);
  const fs::path fifo = folder->path() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  std::thread writer([&] {
    const Fd fd(::open(fifo.c_str(), O_WRONLY | O_CLOEXEC));
    EXPECT_TRUE(write_all(fd.get(), "a\nb\n", Clock::now() + std::chrono::seconds(60)));
  });
  const auto list = CommandList::open(fifo);
  writer.join();
  ASSERT_TRUE(list);
  EXPECT_EQ(lines_of(*list), (Lines{"a", "b"}));
}

TEST(CommandListOfProgram, IsOneCommandWhateverItBeginsWith) {
  for (const char* text : {"# the solver\nsolver\n", "#!/bin/bash\nmpirun solver\n", "\n solver"}) {
    const auto list = CommandList::of_program(text);
    ASSERT_TRUE(list);
    EXPECT_EQ(list->size(), 1U) << text;
  }
  EXPECT_EQ(CommandList::of_program(std::string(kMaxLine + 1, 'x')).error().code, Code::kConfig);
}

}  // namespace
}  // namespace mnp::model
