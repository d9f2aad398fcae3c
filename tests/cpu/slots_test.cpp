#include "cpu/slots.hpp"

#include <gtest/gtest.h>

namespace mnp::cpu {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;

/// Eight cores of two threads each, as Linux often numbers them; 32 GiB.
Topology eight_cores() {
  Topology topology;
  for (int core = 0; core < 8; ++core) topology.cores.push_back({core, core + 8});
  topology.memory_bytes = 32 * kGiB;
  return topology;
}

TEST(Slots, OnePerCoreWithAllItsThreads) {
  const auto slots = lay_out_slots(eight_cores(), {}).value();
  ASSERT_EQ(slots.size(), 8u);
  EXPECT_EQ(slots[3].index, SlotIndex(3));
  EXPECT_EQ(slots[3].cpus, (std::vector<int>{3, 11}));
  EXPECT_TRUE(slots[3].gpus.empty());
}

TEST(Slots, SeveralCoresEachAreNeighbours) {
  SlotRequest request;
  request.cpus = 3;
  const auto slots = lay_out_slots(eight_cores(), request).value();
  ASSERT_EQ(slots.size(), 2u);
  EXPECT_EQ(slots[1].cpus, (std::vector<int>{3, 11, 4, 12, 5, 13}));
}

TEST(Slots, FewerWhenMemoryOrGpusRunOutFirst) {
  SlotRequest request;
  request.memory = 10 * kGiB;
  EXPECT_EQ(lay_out_slots(eight_cores(), request).value().size(), 3u);
  request.gpus = 2;
  request.gpus_available = 5;
  const auto slots = lay_out_slots(eight_cores(), request).value();
  ASSERT_EQ(slots.size(), 2u);
  EXPECT_EQ(slots[1].gpus, (std::vector<uint32_t>{2, 3}));
}

TEST(Slots, ExplicitNumberMayShareCores) {
  SlotRequest request;
  request.slots = 20;
  const auto slots = lay_out_slots(eight_cores(), request).value();
  ASSERT_EQ(slots.size(), 20u);
  EXPECT_TRUE(slots[19].cpus.empty());
  request.slots = 2;
  EXPECT_EQ(lay_out_slots(eight_cores(), request).value()[1].cpus, (std::vector<int>{1, 9}));
}

TEST(Slots, AQuotaBindsToNoCore) {
  Topology topology = eight_cores();
  topology.cpu_quota = 3.5;
  const auto slots = lay_out_slots(topology, {}).value();
  ASSERT_EQ(slots.size(), 4u);
  EXPECT_TRUE(slots[0].cpus.empty());
}

std::string refusal(const SlotRequest& request) {
  const auto slots = lay_out_slots(eight_cores(), request);
  if (slots) return "";
  EXPECT_EQ(slots.error().code, Code::kConfig);
  return slots.error().text;
}

TEST(Slots, SaysWhatThereIsWhenNothingFits) {
  SlotRequest request;
  request.cpus = 9;
  EXPECT_EQ(refusal(request),
            "a command that needs 9 cores does not fit on a node with 8 usable cores, 32.0 GiB "
            "and 0 GPUs");
  request = {};
  request.memory = 33 * kGiB;
  EXPECT_EQ(refusal(request),
            "a command that needs 1 core, 33.0 GiB does not fit on a node with 8 usable cores, "
            "32.0 GiB and 0 GPUs");
  request = {};
  request.gpus = 2;
  request.gpus_available = 1;
  EXPECT_NE(refusal(request).find("2 GPUs does not fit"), std::string::npos);
}

TEST(Slots, AnExplicitNumberDoesNotShareMemoryOrGpus) {
  SlotRequest request;
  request.slots = 4;
  request.memory = 9 * kGiB;
  EXPECT_NE(refusal(request).find("4 commands at once that each need 1 core, 9.0 GiB do not fit"),
            std::string::npos);
  request.memory = 8 * kGiB;
  EXPECT_EQ(refusal(request), "");
  request.gpus = 1;
  request.gpus_available = 3;
  EXPECT_NE(refusal(request), "");
}

}  // namespace
}  // namespace mnp::cpu
