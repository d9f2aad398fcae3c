#include "cpu/start_plan.hpp"

#include <gtest/gtest.h>

#include "mnp/core/files.hpp"

namespace mnp::cpu {
namespace {

class FindProgram : public testing::Test {
 protected:
  void make(const std::string& path, unsigned mode) {
    ASSERT_TRUE(create_file_once(folder_.path() / path, "", mode));
  }
  std::string at(const std::string& path) { return (folder_.path() / path).string(); }

  TemporaryFolder folder_ = TemporaryFolder::create("mnp-test-").value();
};

TEST_F(FindProgram, TakesTheFirstOnPath) {
  make("a/other", 0755);
  make("b/tool", 0755);
  make("c/tool", 0755);
  const std::string path = at("a") + ":" + at("b") + ":" + at("c");
  EXPECT_EQ(find_program("tool", path.c_str()), at("b/tool"));
  EXPECT_EQ(find_program("missing", path.c_str()), std::nullopt);
}

TEST_F(FindProgram, PathsAreNotSearched) {
  EXPECT_EQ(find_program("./x", "/bin"), "./x");
  EXPECT_EQ(find_program("/no/such", nullptr), "/no/such");
}

TEST_F(FindProgram, LeavesDoubtsToTheShell) {
  make("a/tool", 0755);
  ASSERT_TRUE(make_folders(at("b/tool")));
  EXPECT_EQ(find_program("tool", nullptr), std::nullopt);
  EXPECT_EQ(find_program("tool", (":" + at("a")).c_str()), std::nullopt);
  EXPECT_EQ(find_program("tool", ("bin:" + at("a")).c_str()), std::nullopt);
  EXPECT_EQ(find_program("tool", (at("b") + ":" + at("a")).c_str()), at("a/tool"));
}

TEST(StartPlan, DirectStartHasTheShellBehindIt) {
  StartPlan plan;
  Start start;
  start.line = "ls -l 'a b'";
  start.extra = {"PATH=/bin"};
  const LaunchPlan& ready = plan.prepare(start);
  EXPECT_STREQ(ready.path, "/bin/ls");
  EXPECT_STREQ(ready.argv[0], "ls");
  EXPECT_STREQ(ready.argv[2], "a b");
  EXPECT_EQ(ready.argv[3], nullptr);
  EXPECT_STREQ(ready.shell_argv[2], "ls -l 'a b'");
  EXPECT_EQ(ready.cwd, nullptr);
}

TEST(StartPlan, ShellLinesHaveNoDirectStart) {
  StartPlan plan;
  Start start;
  start.line = "ls | wc";
  start.extra = {"PATH=/bin"};
  EXPECT_EQ(plan.prepare(start).path, nullptr);
}

TEST(StartPlan, ExportedShellFunctionsNeedTheShell) {
  StartPlan plan;
  Start start;
  start.line = "ls -l";
  start.extra = {"PATH=/bin", "BASH_FUNC_ls%%=() { echo mine; }"};
  EXPECT_EQ(plan.prepare(start).path, nullptr);
}

std::vector<std::string> environment_of(const LaunchPlan& plan) {
  std::vector<std::string> entries;
  for (char* const* entry = plan.environment; *entry; ++entry) entries.emplace_back(*entry);
  return entries;
}

TEST(StartPlan, EachStartHasItsOwnEnvironment) {
  using Entries = std::vector<std::string>;
  StartPlan plan;
  Start start;
  start.line = "/bin/true";
  start.base = std::make_shared<const Entries>(Entries{"A=1", "B=2", "AB=3", "PWD=/old"});
  start.extra = {"A=10", "C=30"};
  EXPECT_EQ(environment_of(plan.prepare(start)),
            (Entries{"B=2", "AB=3", "PWD=/old", "A=10", "C=30"}));
  start.extra = {"A=11", "C="};
  EXPECT_EQ(environment_of(plan.prepare(start)),
            (Entries{"B=2", "AB=3", "PWD=/old", "A=11", "C="}));
  start.cwd = "/usr";
  EXPECT_EQ(environment_of(plan.prepare(start)),
            (Entries{"B=2", "AB=3", "A=11", "C=", "PWD=/usr"}));
  start.extra = {"B=20", "C=30"};
  EXPECT_EQ(environment_of(plan.prepare(start)),
            (Entries{"A=1", "AB=3", "B=20", "C=30", "PWD=/usr"}));
  start.base = std::make_shared<const Entries>(Entries{"D=4"});
  EXPECT_EQ(environment_of(plan.prepare(start)), (Entries{"D=4", "B=20", "C=30", "PWD=/usr"}));
  start.base = nullptr;
  start.cwd.clear();
  start.extra.clear();
  EXPECT_EQ(environment_of(plan.prepare(start)), Entries{});
}

TEST(StartPlan, ArgvHasNoShell) {
  StartPlan plan;
  Start start;
  start.argv = {"no-such-program", "a"};
  const LaunchPlan& ready = plan.prepare(start);
  EXPECT_STREQ(ready.path, "no-such-program");
  EXPECT_EQ(ready.shell_argv, nullptr);
}

}  // namespace
}  // namespace mnp::cpu
