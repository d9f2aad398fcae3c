#include "cpu/proc_table.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace mnp::cpu {
namespace {

TEST(ProcTable, ReadsThisProcess) {
  const auto info = read_process(::getpid());
  ASSERT_TRUE(info);
  EXPECT_EQ(info->parent, ::getppid());
  EXPECT_EQ(info->group, ::getpgid(0));
  EXPECT_EQ(info->session, ::getsid(0));
  EXPECT_LE(info->born, ticks_since_boot());
  EXPECT_GT(info->born, 0u);
}

TEST(ProcTable, IsNotFooledByAProcessName) {
  char before[16];
  ::prctl(PR_GET_NAME, before);
  ::prctl(PR_SET_NAME, ") Z 1 2 3 (");
  const auto info = read_process(::getpid());
  ::prctl(PR_SET_NAME, before);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->parent, ::getppid());
}

TEST(ProcTable, NoSuchProcess) {
  EXPECT_FALSE(read_process(0x7fffffff));
  EXPECT_TRUE(children_of(0x7fffffff).empty());
  EXPECT_TRUE(read_environment(0x7fffffff).empty());
  EXPECT_EQ(peak_rss_kib(0x7fffffff), 0u);
}

TEST(ProcTable, FindsWholeEntriesOnly) {
  const std::string environment("A=1\0MNP_TRY=12\0B=MNP_TRY=1\0", 28);
  EXPECT_TRUE(has_entries(environment, {"A=1"}));
  EXPECT_TRUE(has_entries(environment, {"MNP_TRY=12", "A=1"}));
  EXPECT_FALSE(has_entries(environment, {"MNP_TRY=1"}));
  EXPECT_FALSE(has_entries(environment, {"A=1", "C=3"}));
  EXPECT_FALSE(has_entries(environment, {}));
  EXPECT_FALSE(has_entries("", {"A=1"}));
}

TEST(ProcTable, ParsesLists) {
  const std::string text = "12 345 6 ";
  EXPECT_EQ(parse_children(text.data(), text.size()), (std::vector<pid_t>{12, 345, 6}));
  EXPECT_TRUE(parse_children("", 0).empty());
}

}  // namespace
}  // namespace mnp::cpu
