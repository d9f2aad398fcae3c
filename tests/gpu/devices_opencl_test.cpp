#include "discovery.hpp"

namespace mnp::gpu {
namespace {

using namespace std::chrono_literals;

TEST_F(Discovery, FindsOpenClsGpusWhereThereAreNoneOfNvidia) {
  set("FAKE_GPUS", "2");
  const Devices devices = discover_devices(Clock::now() + 60s, {"none.so", FAKE_GPU_DRIVER});
  ASSERT_EQ(devices.list.size(), 2u) << devices.none;
  EXPECT_EQ(devices.list[1], (Device{Device::Api::kOpenCl, "1", "Fake GPU", uint64_t{8} << 30}));
}

TEST_F(Discovery, CountsNoGpuTwiceWhereTwoPlatformsShowIt) {
  set("FAKE_GPUS", "2");
  set("FAKE_PLATFORMS", "2");
  const Devices devices = discover_devices(Clock::now() + 60s, {"none.so", FAKE_GPU_DRIVER});
  EXPECT_EQ(ids(devices), (Ids{"0", "1"}));
}

TEST_F(Discovery, AProcessorIsNoGpu) {
  const Devices devices = discover_devices(Clock::now() + 60s, {"none.so", "libOpenCL.so.1"});
  for (const Device& device : devices.list) EXPECT_EQ(device.name.find("cpu"), std::string::npos);
  EXPECT_EQ(devices.list.empty(), !devices.none.empty());
}

}  // namespace
}  // namespace mnp::gpu
