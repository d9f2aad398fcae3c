#include "cpu/cgroup_limits.hpp"

#include <gtest/gtest.h>

namespace mnp::cpu {
namespace {

/// A made-up /sys/fs/cgroup.
class CgroupTree : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    ASSERT_TRUE(replace_file_in(path, text));
  }
  bool replace_file_in(const std::string& path, const std::string& text) {
    const fs::path file = folder_.path() / path;
    return make_folders(file.parent_path()) && replace_file(file, text);
  }
  CgroupLimits read(const std::string& proc) { return read_cgroup_limits(proc, folder_.path()); }

  TemporaryFolder folder_ = TemporaryFolder::create("mnp-test-").value();
};

TEST_F(CgroupTree, Version2OfTheProcessAndItsParents) {
  write("jobs/cpu.max", "150000 100000\n");
  write("jobs/a/cpu.max", "max 100000\n");
  write("jobs/memory.max", "max\n");
  write("jobs/a/memory.max", "1073741824\n");
  const CgroupLimits limits = read("0::/jobs/a\n");
  EXPECT_EQ(limits.cpus, 1.5);
  EXPECT_EQ(limits.memory, 1073741824u);
}

TEST_F(CgroupTree, Version2RootIsTheContainersOwn) {
  write("cpu.max", "400000 100000\n");
  write("memory.max", "4294967296\n");
  for (const char* proc : {"0::/\n", "0::/../../kubepods/x\n", "0::/not/visible/here\n"})
    EXPECT_EQ(read(proc), (CgroupLimits{4.0, 4294967296u})) << proc;
}

TEST_F(CgroupTree, Version1InBothSpellingsOfTheControllers) {
  write("cpu,cpuacct/docker/x/cpu.cfs_quota_us", "250000\n");
  write("cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n");
  write("memory/docker/x/memory.limit_in_bytes", "536870912\n");
  write("memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(read("4:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n1:name=systemd:/docker/x\n"),
            (CgroupLimits{2.5, 536870912u}));
}

TEST_F(CgroupTree, Version1ContainerRoot) {
  write("cpu/cpu.cfs_quota_us", "100000\n");
  write("cpu/cpu.cfs_period_us", "50000\n");
  write("memory/memory.limit_in_bytes", "1048576\n");
  EXPECT_EQ(read("4:memory:/ecs/task/id\n1:cpu:/ecs/task/id\n"), (CgroupLimits{2.0, 1048576u}));
}

TEST_F(CgroupTree, NoLimitsAndNonsenseAreNoLimit) {
  write("cpu.max", "max 100000\n");
  write("memory.max", "max\n");
  write("cpu/cpu.cfs_quota_us", "-1\n");
  write("cpu/cpu.cfs_period_us", "100000\n");
  write("memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(read("0::/\n4:memory:/\n1:cpu:/\n"), CgroupLimits{});
  write("cpu.max", "many\n");
  write("memory.max", "12 apples\n");
  EXPECT_EQ(read("0::/\n"), CgroupLimits{});
  EXPECT_EQ(read(""), CgroupLimits{});
  EXPECT_EQ(read("garbage\n::\n0\n"), CgroupLimits{});
}

}  // namespace
}  // namespace mnp::cpu
