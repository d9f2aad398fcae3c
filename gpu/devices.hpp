// The GPUs of this node, as the drivers show them to this process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mnp/core/clock.hpp"
#include "mnp/core/result.hpp"

namespace mnp::gpu {

struct Device {
  enum class Api : uint8_t { kCuda, kOpenCl };
  Api api = Api::kCuda;
  std::string id;    // CUDA: the UUID ("GPU-..." or "MIG-..."); OpenCL: the number on its platform
  std::string name;  // "NVIDIA A10G"
  uint64_t memory_bytes = 0;
  bool operator==(const Device&) const = default;
};

struct Devices {
  std::vector<Device> list;  // in the order of their PCI addresses
  std::string none;          // why the list is empty
  /// "4 x NVIDIA A10G, 22.5 GiB each", or "no GPU (...)"
  std::string summary() const;
};

/// Where to look. The defaults are right but for tests.
struct DeviceSources {
  std::string nvml = "libnvidia-ml.so.1";
  std::string opencl = "libOpenCL.so.1";
};

/// NVIDIA's GPUs by its management library, else those of the first OpenCL platform that has some
/// (platforms may show the same ones, and number them for themselves). Cut to what
/// CUDA_VISIBLE_DEVICES (indexes count in PCI order) and NVIDIA_VISIBLE_DEVICES allow. Drivers are
/// loaded in a process of its own, which is killed at the deadline (and left behind where it cannot
/// be): a broken GPU can hang them.
/// Call it before other threads are started. No GPU is no error.
Devices discover_devices(TimePoint deadline, const DeviceSources& sources = {});

/// The value of CUDA_VISIBLE_DEVICES for the GPUs with these numbers; "" for none.
std::string visible_devices(const std::vector<Device>& devices,
                            const std::vector<uint32_t>& numbers);

/// What is left of `devices` under this value of CUDA_VISIBLE_DEVICES (null: all). As CUDA does:
/// indexes, or unique beginnings of UUIDs; the first that fits nothing ends the list.
std::vector<Device> select_visible(std::vector<Device> devices, const char* value);

}  // namespace mnp::gpu
