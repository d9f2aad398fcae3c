#include "discovery.hpp"

namespace mnp::gpu {
namespace {

TEST_F(Discovery, ListsNvidiasGpus) {
  set("FAKE_GPUS", "2");
  const Devices devices = nvidia();
  ASSERT_EQ(devices.list.size(), 2u) << devices.none;
  EXPECT_EQ(devices.list[1],
            (Device{Device::Api::kCuda, "GPU-22", "NVIDIA Fake", uint64_t{24} << 30}));
  EXPECT_EQ(devices.summary(), "2 x NVIDIA Fake, 24.0 GiB each");
}

TEST_F(Discovery, InstancesStandForAGpuThatIsCut) {
  set("FAKE_GPUS", "3");
  set("FAKE_MIG", "1");
  EXPECT_EQ(ids(nvidia()), (Ids{"GPU-11", "MIG-6464", "MIG-6565", "GPU-33"}));
}

TEST_F(Discovery, AGpuThatFellOffTheBusIsLeftOut) {
  set("FAKE_GPUS", "2");
  set("FAKE_LOST", "1");
  EXPECT_EQ(ids(nvidia()), Ids{"GPU-22"});
}

}  // namespace
}  // namespace mnp::gpu
