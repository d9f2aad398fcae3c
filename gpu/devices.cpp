#include "gpu/devices.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include <fmt/format.h>

#include "gpu/drivers.hpp"
#include "mnp/core/fd.hpp"
#include "mnp/core/frame.hpp"
#include "mnp/core/text.hpp"

namespace mnp::gpu {
namespace {

constexpr size_t kMaxAnswer = 1 << 20;    // bytes from the process that asks the drivers
constexpr size_t kLeastDeviceBytes = 17;  // of one device in it

Devices ask_drivers(const DeviceSources& sources) {
  Devices nvidia = list_nvidia(sources.nvml);
  if (!nvidia.list.empty()) return nvidia;
  Devices opencl = list_opencl(sources.opencl);
  if (opencl.list.empty()) opencl.none = nvidia.none + ", " + opencl.none;
  return opencl;
}

std::string encode(const Devices& devices) {
  Encoder out;
  out.text(devices.none).u32(static_cast<uint32_t>(devices.list.size()));
  for (const Device& device : devices.list)
    out.u8(static_cast<uint8_t>(device.api))
        .text(device.id)
        .text(device.name)
        .u64(device.memory_bytes);
  return out.take();
}

Devices decode(const std::string& bytes) {
  Decoder in(bytes);
  Devices devices;
  devices.none = in.text();
  for (uint32_t left = in.count(kLeastDeviceBytes); left > 0; --left) {
    Device device;
    device.api = static_cast<Device::Api>(in.u8());
    device.id = in.text();
    device.name = in.text();
    device.memory_bytes = in.u64();
    devices.list.push_back(std::move(device));
  }
  if (!in.finish("devices")) return {{}, "the GPU drivers crashed when they were asked"};
  return devices;
}

/// Reads to the end of the pipe; false at the deadline.
bool read_until(int fd, TimePoint deadline, std::string& answer) {
  char buffer[4096];
  while (answer.size() < kMaxAnswer) {
    pollfd wait{fd, POLLIN, 0};
    if (::poll(&wait, 1, poll_timeout(deadline)) == 0) {
      if (Clock::now() >= deadline) return false;
      continue;
    }
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n == 0) return true;
    if (n > 0) answer.append(buffer, static_cast<size_t>(n));
    if (n < 0 && errno != EINTR) return true;
  }
  return true;
}

[[noreturn]] void answer_and_exit(const DeviceSources& sources, int fd) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::string answer = encode(ask_drivers(sources));
  const bool written = write_all(fd, answer, Clock::now() + std::chrono::seconds(10)).has_value();
  ::_exit(written ? 0 : 1);
}

/// Kills it. False: it still has not ended a second later, as when it is held in the kernel.
bool end_child(pid_t pid) {
  ::kill(pid, SIGKILL);
  const TimePoint deadline = Clock::now() + std::chrono::seconds(1);
  while (::waitpid(pid, nullptr, WNOHANG) == 0) {
    if (Clock::now() > deadline) return false;
    ::usleep(1000);
  }
  return true;
}

Devices ask_in_a_child(TimePoint deadline, const DeviceSources& sources) {
  auto pipe = make_pipe();
  if (!pipe) return {{}, pipe.error().text};
  const pid_t pid = ::fork();
  if (pid < 0) return {{}, "the GPU drivers could not be asked: no new process"};
  if (pid == 0) answer_and_exit(sources, pipe->write.get());
  pipe->write.reset();
  std::string answer;
  const bool in_time = read_until(pipe->read.get(), deadline, answer);
  const bool ended = end_child(pid);
  if (!in_time)
    return {{},
            fmt::format("the GPU drivers did not answer in time{}",
                        ended ? "" : " and cannot be killed")};
  return decode(answer);
}

bool is_index(const std::string& word) {
  return !word.empty() && std::all_of(word.begin(), word.end(),
                                      [](unsigned char c) { return c >= '0' && c <= '9'; });
}

/// The position of what a word of CUDA_VISIBLE_DEVICES names, or the list's size.
size_t find_device(const std::vector<Device>& devices, const std::string& word) {
  if (is_index(word))
    return word.size() > 6 ? devices.size()
                           : std::min(static_cast<size_t>(std::stoul(word)), devices.size());
  const auto fits = [&word](const Device& device) { return starts_with(device.id, word); };
  const auto found = std::find_if(devices.begin(), devices.end(), fits);
  const bool unique = found != devices.end() && !word.empty() &&
                      std::find_if(found + 1, devices.end(), fits) == devices.end();
  return unique ? static_cast<size_t>(found - devices.begin()) : devices.size();
}

}  // namespace

std::string Devices::summary() const {
  if (list.empty()) return "no GPU (" + none + ")";
  const auto same = [this](const Device& device) {
    return device.name == list[0].name && device.memory_bytes == list[0].memory_bytes;
  };
  if (std::all_of(list.begin(), list.end(), same))
    return fmt::format("{} x {}, {} each", list.size(), list[0].name,
                       format_bytes(list[0].memory_bytes));
  std::vector<std::string> names;
  for (const Device& device : list)
    names.push_back(device.name + ", " + format_bytes(device.memory_bytes));
  return fmt::format("{} GPUs: {}", list.size(), join(names, "; "));
}

std::vector<Device> select_visible(std::vector<Device> devices, const char* value) {
  if (!value) return devices;
  std::vector<Device> selected;
  for (const std::string& word : split(value, ',')) {
    const size_t at = find_device(devices, std::string(trim(word)));
    if (at == devices.size()) break;
    if (std::find(selected.begin(), selected.end(), devices[at]) != selected.end()) break;
    selected.push_back(devices[at]);
  }
  return selected;
}

Devices discover_devices(TimePoint deadline, const DeviceSources& sources) {
  const char* const container = std::getenv("NVIDIA_VISIBLE_DEVICES");
  if (container && (std::string_view(container) == "void" || std::string_view(container) == "none"))
    return {{}, std::string("NVIDIA_VISIBLE_DEVICES=") + container};
  Devices devices = ask_in_a_child(deadline, sources);
  if (devices.list.empty() || devices.list[0].api != Device::Api::kCuda) return devices;
  const char* const cuda = std::getenv("CUDA_VISIBLE_DEVICES");
  devices.list = select_visible(std::move(devices.list), cuda);
  if (devices.list.empty())
    devices.none = std::string("CUDA_VISIBLE_DEVICES=") + (cuda ? cuda : "");
  return devices;
}

std::string visible_devices(const std::vector<Device>& devices,
                            const std::vector<uint32_t>& numbers) {
  std::vector<std::string> ids;
  for (const uint32_t number : numbers) {
    MNP_ASSERT(number < devices.size(), "a slot has a GPU that the node has not");
    ids.push_back(devices[number].id);
  }
  return join(ids, ",");
}

}  // namespace mnp::gpu
