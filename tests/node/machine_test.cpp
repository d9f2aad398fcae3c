#include "mnp/node/machine.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace mnp::node {
namespace {

TEST(DiscoverMachine, FindsThisOne) {
  const auto machine = discover_machine();
  ASSERT_TRUE(machine) << machine.error().text;
  EXPECT_GE(machine->topology.cores.size(), 1U);
  EXPECT_GT(machine->topology.memory_bytes, 0U);
}

TEST(DescribeMachine, MainIsToldWhatMayBeUsed) {
  Machine machine;
  machine.topology.cores = {{0}, {1}, {2}, {3}};
  machine.topology.cpu_quota = 2.5;
  machine.topology.memory_bytes = uint64_t{8} << 30;
  machine.topology.summary = "4 cores, 8.0 GiB";
  const Join join = describe_machine(machine, "10.0.3.7");
  EXPECT_EQ(join.address, "10.0.3.7");
  EXPECT_EQ(join.cores, 3U);  // as many as the quota lets run
  EXPECT_EQ(join.memory_bytes, uint64_t{8} << 30);
  EXPECT_EQ(join.gpus, 0U);
  EXPECT_EQ(join.topology, "4 cores, 8.0 GiB");
  char name[256] = "";
  ASSERT_EQ(::gethostname(name, sizeof name - 1), 0);
  EXPECT_EQ(join.host, name);
}

TEST(DescribeMachine, GpusAreNamed) {
  Machine machine;
  machine.topology.cores = {{0}};
  machine.topology.summary = "1 core";
  machine.gpus.list.assign(2,
                           {gpu::Device::Api::kCuda, "GPU-1", "NVIDIA A10G", uint64_t{24} << 30});
  const Join join = describe_machine(machine, "10.0.3.7");
  EXPECT_EQ(join.gpus, 2U);
  EXPECT_NE(join.topology.find("1 core, 2 x NVIDIA A10G"), std::string::npos) << join.topology;
}

}  // namespace
}  // namespace mnp::node
