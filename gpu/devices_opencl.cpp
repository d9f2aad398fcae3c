#include <algorithm>
#include <array>

#include "gpu/drivers.hpp"

namespace mnp::gpu {
namespace {

// OpenCL 1.2's ABI (Khronos, CL/cl.h).
using Platform = struct PlatformOpaque*;
using ClDevice = struct ClDeviceOpaque*;
constexpr uint64_t kTypeGpu = 1u << 2;
constexpr uint32_t kGlobalMemory = 0x101F;
constexpr uint32_t kName = 0x102B;
constexpr uint32_t kMaxPlatforms = 64;
constexpr uint32_t kMaxDevices = 256;  // of one platform

using GetPlatforms = int32_t(uint32_t, Platform*, uint32_t*);
using GetDevices = int32_t(Platform, uint64_t, uint32_t, ClDevice*, uint32_t*);
using GetInfo = int32_t(ClDevice, uint32_t, size_t, void*, size_t*);

}  // namespace

Devices list_opencl(const std::string& library_name) {
  const DriverLibrary library(library_name);
  auto* const platforms_of = library.function<GetPlatforms>("clGetPlatformIDs");
  auto* const devices_of = library.function<GetDevices>("clGetDeviceIDs");
  auto* const info_of = library.function<GetInfo>("clGetDeviceInfo");
  if (!platforms_of || !devices_of || !info_of) return {{}, "no OpenCL"};
  std::array<Platform, kMaxPlatforms> platforms{};
  uint32_t platform_count = 0;
  if (platforms_of(kMaxPlatforms, platforms.data(), &platform_count) != 0) platform_count = 0;
  Devices devices;
  for (uint32_t p = 0; p < std::min(platform_count, kMaxPlatforms) && devices.list.empty(); ++p) {
    std::array<ClDevice, kMaxDevices> handles{};
    uint32_t count = 0;
    if (devices_of(platforms[p], kTypeGpu, kMaxDevices, handles.data(), &count) != 0) continue;
    for (uint32_t d = 0; d < std::min(count, kMaxDevices); ++d) {
      Device device{Device::Api::kOpenCl, std::to_string(d), "", 0};
      std::array<char, 256> name{};
      if (info_of(handles[d], kName, name.size() - 1, name.data(), nullptr) == 0)
        device.name = name.data();
      info_of(handles[d], kGlobalMemory, sizeof device.memory_bytes, &device.memory_bytes, nullptr);
      devices.list.push_back(std::move(device));
    }
  }
  if (devices.list.empty()) devices.none = "no GPU on any OpenCL platform";
  return devices;
}

}  // namespace mnp::gpu
