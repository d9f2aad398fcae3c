#include "mnp/node/programs.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>

#include "mnp/core/files.hpp"

namespace mnp::node {
namespace {

/// PATH for one test.
class Programs : public testing::Test {
 protected:
  ~Programs() override { ::setenv("PATH", before.c_str(), 1); }
  static void set_path(const std::string& path) { ::setenv("PATH", path.c_str(), 1); }
  std::string make(const std::string& name, unsigned mode = 0755) const {
    const fs::path path = folder.path() / name;
    EXPECT_TRUE(create_file_once(path, "#!/bin/sh\n", mode));
    fs::permissions(path, static_cast<fs::perms>(mode));
    return path.string();
  }
  const std::string before = ::getenv("PATH");
  TemporaryFolder folder = *TemporaryFolder::create("programs-test-");
};

TEST_F(Programs, AreFoundOnThePath) {
  const std::string program = make("mpirun");
  set_path("/nowhere:" + folder.path().string());
  EXPECT_EQ(find_on_path("mpirun").value(), program);
  EXPECT_EQ(find_program_of_ours("mpirun").value(), program);
}

TEST_F(Programs, TheOneBesideThisProgramComesFirst) {
  const fs::path self = fs::read_symlink("/proc/self/exe");
  make(self.filename().string());
  set_path(folder.path().string());
  EXPECT_EQ(find_program_of_ours(self.filename().string()).value(), self.string());
}

TEST_F(Programs, OneThatIsMissingIsNamedWithItsPlaces) {
  set_path(folder.path().string());
  make("mnp-rsh", 0644);
  const auto ours = find_program_of_ours("mnp-rsh");
  ASSERT_FALSE(ours);
  EXPECT_EQ(ours.error().code, Code::kConfig);
  EXPECT_NE(ours.error().text.find("beside mnp-node"), std::string::npos);
  const auto mpirun = find_on_path("mpirun");
  ASSERT_FALSE(mpirun);
  EXPECT_NE(mpirun.error().text.find("install Open MPI"), std::string::npos);
}

TEST_F(Programs, TheEnvironmentIsThisProcesss) {
  ::setenv("PROGRAMS_TEST", "a=b", 1);
  const auto entries = own_environment();
  ::unsetenv("PROGRAMS_TEST");
  EXPECT_EQ(std::count(entries.begin(), entries.end(), "PROGRAMS_TEST=a=b"), 1);
}

}  // namespace
}  // namespace mnp::node
