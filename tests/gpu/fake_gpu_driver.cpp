// The functions of libnvidia-ml and libOpenCL that gpu/ calls. FAKE_GPUS says how many GPUs each
// shows; FAKE_NVML_ERROR makes nvmlInit fail; FAKE_HANG makes it hang, FAKE_STUCK so that SIGKILL
// seems not to help, FAKE_CRASH crash; FAKE_MIG cuts GPU 1 into two instances; FAKE_LOST makes GPU
// 0 unreadable; FAKE_PLATFORMS says how many OpenCL platforms show them.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

unsigned number(const char* name) {
  const char* value = std::getenv(name);
  return value ? static_cast<unsigned>(std::atoi(value)) : 0;
}

uintptr_t id_of(void* device) {
  return reinterpret_cast<uintptr_t>(device);
}  // 1.., MIG: 100..

/// A traced process that was killed ends for its parent only when the tracer lets it go.
void hold_the_end_of_this_process() {
  ::prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
  const pid_t held = ::getpid();
  if (::fork() == 0) {
    for (int fd = 0; fd < 3; ++fd) ::close(fd);  // who waits for their ends shall not
    if (::ptrace(PTRACE_SEIZE, held, nullptr, nullptr) == 0)
      ::close(::creat(std::getenv("FAKE_STUCK"), 0600));  // the file that it names
    ::sleep(60);
    ::_exit(0);
  }
}

}  // namespace

extern "C" {

int nvmlInit_v2() {
  if (std::getenv("FAKE_STUCK")) hold_the_end_of_this_process();
  if (std::getenv("FAKE_HANG") || std::getenv("FAKE_STUCK")) ::sleep(1000);
  if (std::getenv("FAKE_CRASH")) std::abort();
  return static_cast<int>(number("FAKE_NVML_ERROR"));
}
int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = number("FAKE_GPUS");
  return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  *device = reinterpret_cast<void*>(uintptr_t{index} + 1);
  return 0;
}
int nvmlDeviceGetName(void*, char* name, unsigned length) {
  std::snprintf(name, length, "NVIDIA Fake");
  return 0;
}
int nvmlDeviceGetUUID(void* device, char* uuid, unsigned length) {
  if (std::getenv("FAKE_LOST") && id_of(device) == 1) return 15;  // NVML_ERROR_GPU_IS_LOST
  const bool mig = id_of(device) >= 100;
  std::snprintf(uuid, length, "%s-%zx%zx", mig ? "MIG" : "GPU", static_cast<size_t>(id_of(device)),
                static_cast<size_t>(id_of(device)));
  return 0;
}
int nvmlDeviceGetMemoryInfo(void*, unsigned long long* memory) {
  memory[0] = 24ull << 30;
  return 0;
}
int nvmlDeviceGetMigMode(void* device, unsigned* now, unsigned* pending) {
  *now = *pending = std::getenv("FAKE_MIG") && id_of(device) == 2 ? 1 : 0;
  return 0;
}
int nvmlDeviceGetMaxMigDeviceCount(void*, unsigned* count) {
  *count = 7;
  return 0;
}
int nvmlDeviceGetMigDeviceHandleByIndex(void*, unsigned index, void** device) {
  if (index >= 2) return 6;  // NVML_ERROR_NOT_FOUND
  *device = reinterpret_cast<void*>(uintptr_t{index} + 100);
  return 0;
}

int32_t clGetPlatformIDs(uint32_t, void** platforms, uint32_t* count) {
  *count = std::getenv("FAKE_PLATFORMS") ? number("FAKE_PLATFORMS") : 1;
  for (uint32_t i = 0; i < *count; ++i) platforms[i] = reinterpret_cast<void*>(uintptr_t{i} + 1);
  return 0;
}
int32_t clGetDeviceIDs(void*, uint64_t type, uint32_t, void** devices, uint32_t* count) {
  *count = type == 4 ? number("FAKE_GPUS") : 0;  // CL_DEVICE_TYPE_GPU
  for (uint32_t i = 0; i < *count; ++i) devices[i] = reinterpret_cast<void*>(uintptr_t{i} + 1);
  return *count > 0 ? 0 : -1;
}
int32_t clGetDeviceInfo(void*, uint32_t what, size_t length, void* value, size_t*) {
  if (what == 0x102B) std::snprintf(static_cast<char*>(value), length, "Fake GPU");
  const uint64_t memory = 8ull << 30;
  if (what == 0x101F) std::memcpy(value, &memory, sizeof memory);
  return 0;
}
}
