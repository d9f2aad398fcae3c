#include <array>

#include "gpu/drivers.hpp"

namespace mnp::gpu {
namespace {

// NVML's ABI, from its API reference; stable since version 2 of these functions.
using NvmlDevice = struct NvmlDeviceOpaque*;
struct NvmlMemory {
  unsigned long long total, free, used;
};
constexpr int kSuccess = 0;
constexpr unsigned kMigEnabled = 1;
constexpr unsigned kTextBytes = 96;

/// The functions that are needed. MIG's are absent in old drivers.
struct Nvml {
  explicit Nvml(const DriverLibrary& library)
      : init(library.function<int()>("nvmlInit_v2")),
        count(library.function<int(unsigned*)>("nvmlDeviceGetCount_v2")),
        device(library.function<int(unsigned, NvmlDevice*)>("nvmlDeviceGetHandleByIndex_v2")),
        name(library.function<int(NvmlDevice, char*, unsigned)>("nvmlDeviceGetName")),
        uuid(library.function<int(NvmlDevice, char*, unsigned)>("nvmlDeviceGetUUID")),
        memory(library.function<int(NvmlDevice, NvmlMemory*)>("nvmlDeviceGetMemoryInfo")),
        mig_mode(library.function<int(NvmlDevice, unsigned*, unsigned*)>("nvmlDeviceGetMigMode")),
        mig_count(library.function<int(NvmlDevice, unsigned*)>("nvmlDeviceGetMaxMigDeviceCount")),
        mig_device(library.function<int(NvmlDevice, unsigned, NvmlDevice*)>(
            "nvmlDeviceGetMigDeviceHandleByIndex")) {}

  bool complete() const { return init && count && device && name && uuid && memory; }

  int (*init)();
  int (*count)(unsigned*);
  int (*device)(unsigned, NvmlDevice*);
  int (*name)(NvmlDevice, char*, unsigned);
  int (*uuid)(NvmlDevice, char*, unsigned);
  int (*memory)(NvmlDevice, NvmlMemory*);
  int (*mig_mode)(NvmlDevice, unsigned*, unsigned*);
  int (*mig_count)(NvmlDevice, unsigned*);
  int (*mig_device)(NvmlDevice, unsigned, NvmlDevice*);
};

/// False for a device that cannot be asked, as one that has fallen off the bus.
bool describe(const Nvml& nvml, NvmlDevice handle, Device& device) {
  std::array<char, kTextBytes> text{};
  NvmlMemory memory{};
  if (nvml.uuid(handle, text.data(), kTextBytes) != kSuccess) return false;
  device.id = text.data();
  if (nvml.name(handle, text.data(), kTextBytes) == kSuccess) device.name = text.data();
  if (nvml.memory(handle, &memory) == kSuccess) device.memory_bytes = memory.total;
  return true;
}

bool has_mig(const Nvml& nvml, NvmlDevice handle) {
  unsigned now = 0, after_reset = 0;
  return nvml.mig_mode && nvml.mig_count && nvml.mig_device &&
         nvml.mig_mode(handle, &now, &after_reset) == kSuccess && now == kMigEnabled;
}

/// CUDA takes only the instances of a GPU with MIG on.
void add(const Nvml& nvml, NvmlDevice handle, std::vector<Device>& list) {
  Device device;
  if (!has_mig(nvml, handle)) {
    if (describe(nvml, handle, device)) list.push_back(device);
    return;
  }
  unsigned instances = 0;
  nvml.mig_count(handle, &instances);
  for (unsigned i = 0; i < instances; ++i) {
    NvmlDevice instance = nullptr;
    if (nvml.mig_device(handle, i, &instance) == kSuccess && describe(nvml, instance, device))
      list.push_back(device);
  }
}

}  // namespace

Devices list_nvidia(const std::string& library_name) {
  const DriverLibrary library(library_name);
  if (!library) return {{}, "no NVIDIA driver"};
  const Nvml nvml(library);
  if (!nvml.complete()) return {{}, library_name + " is not NVIDIA's management library"};
  if (const int error = nvml.init(); error != kSuccess)
    return {{}, "NVIDIA's driver cannot be used (NVML error " + std::to_string(error) + ")"};
  unsigned count = 0;
  nvml.count(&count);
  Devices devices;
  for (unsigned i = 0; i < count; ++i) {
    NvmlDevice handle = nullptr;
    if (nvml.device(i, &handle) == kSuccess) add(nvml, handle, devices.list);
  }
  if (devices.list.empty()) devices.none = "NVIDIA's driver shows no GPU";
  return devices;
}

}  // namespace mnp::gpu
