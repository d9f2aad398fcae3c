#include "launcher/local_host.hpp"

#include <sys/stat.h>

#include <cstdlib>

#include <gtest/gtest.h>

#include "launcher/planning.hpp"
#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

/// A variable of this process for one test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() {
    if (old_)
      ::setenv(name_, old_->c_str(), 1);
    else
      ::unsetenv(name_);
  }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

class Host : public testing::Test {
 protected:
  Host() {
    EXPECT_TRUE(create_file_once(folder.path() / "mnp-node", "", 0755));
    EXPECT_TRUE(make_folders(folder.path() / "tmp"));
  }
  std::string error() {
    const auto host = local_host(4);
    EXPECT_FALSE(host);
    return host ? "" : host.error().text;
  }

  TemporaryFolder folder = *TemporaryFolder::create("host-", "/tmp");
  Variable path{"PATH", folder.path().string() + ":/usr/bin:/bin"};
  Variable temporary{"TMPDIR", (folder.path() / "tmp").string()};
  Variable port{"MNP_PORT", ""};
};

TEST_F(Host, IsWhatTheEnvironmentSays) {
  auto host = local_host(4);
  ASSERT_TRUE(host) << host.error().text;
  EXPECT_EQ(host->temporary, folder.path() / "tmp");
  EXPECT_EQ(host->port, 26117);
  const Variable other("MNP_PORT", "30000");
  host = local_host(4);
  ASSERT_TRUE(host);
  EXPECT_EQ(host->port, 30000);
}

TEST_F(Host, PortOutOfRangeIsNamed) {
  for (const char* wrong : {"80", "65535", "http"}) {
    const Variable other("MNP_PORT", wrong);
    EXPECT_EQ(error(), std::string("MNP_PORT is '") + wrong +
                           "'; write a port from 1024 to 65534, or unset it");
  }
}

TEST_F(Host, TemporaryFolderMayNotBeTooLongForSocketsBelowIt) {
  const std::string base = folder.path().string() + "/";
  const size_t most = longest_temporary(4);
  ASSERT_LT(base.size(), most);
  const std::string fits = base + std::string(most - base.size(), 'x'), longer = fits + "x";
  ASSERT_TRUE(make_folders(fits) && make_folders(longer));
  const Variable good("TMPDIR", fits);
  EXPECT_TRUE(local_host(4));
  const Variable bad("TMPDIR", longer);
  EXPECT_TRUE(starts_with(error(), "TMPDIR " + longer + " has ")) << error();
  EXPECT_NE(error().find("TMPDIR=/tmp mnp"), std::string::npos);
}

TEST_F(Host, LongestTemporaryShrinksWithTheNumberOfNodes) {
  EXPECT_EQ(longest_temporary(1), longest_temporary(10));
  EXPECT_EQ(longest_temporary(10), longest_temporary(11) + 2);
  EXPECT_GE(longest_temporary(1000), 32u);
}

TEST_F(Host, TemporaryFolderThatIsNotThereIsAnError) {
  const Variable bad("TMPDIR", "/nowhere/at/all");
  EXPECT_TRUE(starts_with(error(), "TMPDIR names no folder")) << error();
}

class FindNodeProgram : public testing::Test {
 protected:
  FindNodeProgram() {
    const char* path = std::getenv("PATH");
    old_ = path == nullptr ? "" : path;
  }
  ~FindNodeProgram() override { ::setenv("PATH", old_.c_str(), 1); }
  /// A folder with a file mnp-node of these permissions.
  fs::path with(const char* name, mode_t mode) {
    const fs::path made = folder.path() / name;
    EXPECT_TRUE(create_file_once(made / "mnp-node", "#!/bin/sh\n"));
    ::chmod((made / "mnp-node").c_str(), mode);
    return made;
  }
  TemporaryFolder folder = *TemporaryFolder::create("find-node-test-");

 private:
  std::string old_;
};

TEST_F(FindNodeProgram, TakesTheFirstOnPathThatCanRun) {
  const fs::path text = with("text", 0644), first = with("first", 0755), last = with("last", 0755);
  ::setenv("PATH",
           ("/nowhere::" + text.string() + ":" + first.string() + ":" + last.string()).c_str(), 1);
  const fs::path before = fs::current_path();
  fs::current_path(last);  // which an empty entry does not stand for
  const auto found = find_node_program();
  fs::current_path(before);
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(*found, first / "mnp-node");
}

TEST_F(FindNodeProgram, IsAbsoluteForARelativePath) {
  const fs::path made = with("bin", 0755);
  ::setenv("PATH", fs::relative(made).c_str(), 1);
  const auto found = find_node_program();
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_TRUE(fs::path(*found).is_absolute()) << *found;
  EXPECT_TRUE(fs::equivalent(*found, made / "mnp-node"));
}

TEST_F(FindNodeProgram, SaysWhereItLooked) {
  ::setenv("PATH", folder.path().c_str(), 1);
  auto found = find_node_program();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::kConfig);
  EXPECT_NE(found.error().text.find(program_folder().string()), std::string::npos);
  ::unsetenv("PATH");
  EXPECT_FALSE(find_node_program());
}

}  // namespace
}  // namespace mnp::launcher
