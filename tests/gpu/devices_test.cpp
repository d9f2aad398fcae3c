#include "gpu/devices.hpp"

#include "discovery.hpp"
#include "mnp/core/files.hpp"

namespace mnp::gpu {
namespace {

using namespace std::chrono_literals;

TEST_F(Discovery, HonoursCudaVisibleDevices) {
  set("FAKE_GPUS", "3");
  set("CUDA_VISIBLE_DEVICES", "2,GPU-1");
  EXPECT_EQ(ids(nvidia()), (Ids{"GPU-33", "GPU-11"}));
  set("CUDA_VISIBLE_DEVICES", "");
  EXPECT_EQ(nvidia().summary(), "no GPU (CUDA_VISIBLE_DEVICES=)");
  set("CUDA_VISIBLE_DEVICES", "1,-1,2");
  EXPECT_EQ(ids(nvidia()), Ids{"GPU-22"});
}

TEST_F(Discovery, HonoursTheContainersChoice) {
  set("FAKE_GPUS", "3");
  set("NVIDIA_VISIBLE_DEVICES", "void");
  EXPECT_EQ(nvidia().summary(), "no GPU (NVIDIA_VISIBLE_DEVICES=void)");
  set("NVIDIA_VISIBLE_DEVICES", "all");
  EXPECT_EQ(nvidia().list.size(), 3u);
}

TEST_F(Discovery, SaysWhyThereIsNone) {
  EXPECT_EQ(discover_devices(Clock::now() + 60s, {"none.so", "none.so"}).summary(),
            "no GPU (no NVIDIA driver, no OpenCL)");
  set("FAKE_NVML_ERROR", "9");
  EXPECT_EQ(nvidia().summary(),
            "no GPU (NVIDIA's driver cannot be used (NVML error 9), no OpenCL)");
  set("FAKE_NVML_ERROR", nullptr);
  EXPECT_EQ(nvidia().summary(), "no GPU (NVIDIA's driver shows no GPU, no OpenCL)");
}

TEST_F(Discovery, ADriverThatHangsOrCrashesIsNoGpu) {
  set("FAKE_HANG", "1");
  const TimePoint before = Clock::now();
  const Devices hung = discover_devices(before + 300ms, {FAKE_GPU_DRIVER, "none.so"});
  EXPECT_TRUE(hung.list.empty());
  EXPECT_NE(hung.summary().find("the GPU drivers did not answer in time"), std::string::npos);
  EXPECT_LT(Clock::now() - before, 30s);
  set("FAKE_HANG", nullptr);
  set("FAKE_CRASH", "1");
  EXPECT_EQ(nvidia().summary(), "no GPU (the GPU drivers crashed when they were asked)");
}

TEST_F(Discovery, ADriverThatCannotBeKilledIsLeftBehind) {
  const auto folder = TemporaryFolder::create("mnp-test-").value();
  const fs::path held = folder.path() / "held";
  set("FAKE_STUCK", held.c_str());
  Devices stuck;  // once more where it was killed before it was held
  for (auto limit = 300ms; !fs::exists(held) && limit < 60s; limit *= 2)
    stuck = discover_devices(Clock::now() + limit, {FAKE_GPU_DRIVER, "none.so"});
  EXPECT_EQ(stuck.summary(),
            "no GPU (the GPU drivers did not answer in time and cannot be killed)");
}

TEST_F(Discovery, ThisMachineAnswers) {
  const Devices devices = discover_devices(Clock::now() + 60s);
  EXPECT_EQ(devices.list.empty(), !devices.none.empty()) << devices.summary();
}

TEST(VisibleDevices, SelectsAsCudaDoes) {
  const std::vector<Device> all = {{Device::Api::kCuda, "GPU-aa1", "", 0},
                                   {Device::Api::kCuda, "GPU-ab2", "", 0},
                                   {Device::Api::kCuda, "GPU-ac3", "", 0}};
  const auto select = [&all](const char* value) {
    Devices devices;
    devices.list = select_visible(all, value);
    return ids(devices);
  };
  EXPECT_EQ(select(nullptr).size(), 3u);
  EXPECT_EQ(select("2,0"), (Ids{"GPU-ac3", "GPU-aa1"}));
  EXPECT_EQ(select("GPU-ab, 0"), (Ids{"GPU-ab2", "GPU-aa1"}));
  EXPECT_EQ(select("GPU-a"), Ids{}) << "not unique";
  EXPECT_EQ(select("0,7,1"), Ids{"GPU-aa1"});
  EXPECT_EQ(select("0,0,1"), Ids{"GPU-aa1"});
  EXPECT_EQ(select("99999999999999999999"), Ids{});
  EXPECT_EQ(select("NoDevFiles"), Ids{});
}

TEST(VisibleDevices, AreNamedForACommand) {
  const std::vector<Device> all = {{Device::Api::kCuda, "GPU-1", "", 0},
                                   {Device::Api::kCuda, "GPU-2", "", 0}};
  EXPECT_EQ(visible_devices(all, {1, 0}), "GPU-2,GPU-1");
  EXPECT_EQ(visible_devices(all, {}), "");
}

}  // namespace
}  // namespace mnp::gpu
