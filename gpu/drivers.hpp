// What each driver library says, read in the process that loads it.
#pragma once

#include <dlfcn.h>

#include <memory>
#include <string>

#include "gpu/devices.hpp"

namespace mnp::gpu {

/// A shared library, loaded at run time so that programs start where there is none.
class DriverLibrary {
 public:
  explicit DriverLibrary(const std::string& name)
      : handle_(::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) {}
  explicit operator bool() const { return handle_ != nullptr; }

  /// `auto* init = library.function<int()>("nvmlInit_v2");` null when it has no such function.
  template <class Signature>
  Signature* function(const char* name) const {
    return reinterpret_cast<Signature*>(handle_ ? ::dlsym(handle_, name) : nullptr);
  }

 private:
  void* handle_;  // stays loaded: drivers do not unload well
};

/// Whole GPUs, or their MIG instances where MIG is on.
Devices list_nvidia(const std::string& library);
/// Devices of type GPU on all platforms.
Devices list_opencl(const std::string& library);

}  // namespace mnp::gpu
