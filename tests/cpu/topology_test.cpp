#include "cpu/topology.hpp"

#include <sched.h>
#include <unistd.h>

#include <set>
#include <thread>

#include <gtest/gtest.h>

namespace mnp::cpu {
namespace {

std::set<int> units_of(const Topology& topology) {
  std::set<int> units;
  for (const Core& core : topology.cores) units.insert(core.begin(), core.end());
  return units;
}

TEST(Topology, HasTheUnitsThatTheKernelLetsUsUse) {
  const auto topology = discover_topology();
  ASSERT_TRUE(topology) << topology.error().text;
  cpu_set_t own;
  ASSERT_EQ(::sched_getaffinity(0, sizeof own, &own), 0);
  std::set<int> expected;
  for (int unit = 0; unit < CPU_SETSIZE; ++unit)
    if (CPU_ISSET(unit, &own)) expected.insert(unit);
  EXPECT_EQ(units_of(*topology), expected);
}

TEST(Topology, MemoryIsAtMostTheMachines) {
  const auto topology = discover_topology().value();
  const auto machine = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                       static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  EXPECT_GT(topology.memory_bytes, 0u);
  EXPECT_LE(topology.memory_bytes, machine);
  EXPECT_NE(topology.summary.find("core"), std::string::npos);
}

TEST(Topology, AffinityCutsIt) {
  cpu_set_t before, one;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  const auto topology = discover_topology();
  ::sched_setaffinity(0, sizeof before, &before);
  ASSERT_TRUE(topology);
  EXPECT_EQ(topology->cores, (std::vector<Core>{{first}}));
}

TEST(Topology, QuotaIsRoundedUpToCores) {
  Topology topology{{{0}, {1}, {2}, {3}}, 0, 1, ""};
  EXPECT_EQ(topology.usable_cores(), 4u);
  topology.cpu_quota = 2.5;
  EXPECT_EQ(topology.usable_cores(), 3u);
  topology.cpu_quota = 2.0;
  EXPECT_EQ(topology.usable_cores(), 2u);
  topology.cpu_quota = 0.25;
  EXPECT_EQ(topology.usable_cores(), 1u);
  topology.cpu_quota = 64;
  EXPECT_EQ(topology.usable_cores(), 4u);
}

}  // namespace
}  // namespace mnp::cpu
