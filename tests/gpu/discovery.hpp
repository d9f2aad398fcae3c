// What the tests of gpu/ share: discovery with the fake driver and a known environment.
#pragma once

#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gpu/devices.hpp"

namespace mnp::gpu {

/// Sets variables for one test, and takes them out again.
class Discovery : public testing::Test {
 protected:
  void SetUp() override {
    set("CUDA_VISIBLE_DEVICES", nullptr);
    set("NVIDIA_VISIBLE_DEVICES", nullptr);
  }
  void TearDown() override {
    for (const auto& [name, value] : before_)
      value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
  }
  void set(const std::string& name, const char* value) {
    const char* old = std::getenv(name.c_str());
    before_.emplace(name, old ? std::optional<std::string>(old) : std::nullopt);
    value ? ::setenv(name.c_str(), value, 1) : ::unsetenv(name.c_str());
  }
  Devices nvidia() {
    return discover_devices(Clock::now() + std::chrono::seconds(60), {FAKE_GPU_DRIVER, "none.so"});
  }

  std::map<std::string, std::optional<std::string>> before_;
};

inline std::vector<std::string> ids(const Devices& devices) {
  std::vector<std::string> list;
  for (const Device& device : devices.list) list.push_back(device.id);
  return list;
}
using Ids = std::vector<std::string>;

}  // namespace mnp::gpu
