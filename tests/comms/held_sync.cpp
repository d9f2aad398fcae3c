// Preloaded into a rank in the place of a slow disk: fsync(2) makes the file $HELD_SYNC.begun and
// returns once there is $HELD_SYNC, with EIO when that holds anything. While there is
// $HELD_SYNC.writes, a write(2) to a file `.part` does as much and waits for its end.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

extern "C" int fsync(int fd) {
  constexpr useconds_t kPause = 1000;  // microseconds
  const std::string gate = std::getenv("HELD_SYNC");
  ::close(::open((gate + ".begun").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  struct stat info {};
  while (::stat(gate.c_str(), &info) != 0) ::usleep(kPause);
  if (info.st_size == 0) return static_cast<int>(::syscall(SYS_fsync, fd));
  errno = EIO;
  return -1;
}

extern "C" ssize_t write(int fd, const void* bytes, size_t count) {
  constexpr useconds_t kPause = 1000;  // microseconds
  const std::string gate = std::getenv("HELD_SYNC"), writes = gate + ".writes";
  struct stat info {};
  while (::stat(writes.c_str(), &info) == 0) {
    std::error_code error;
    const auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error);
    if (error || path.extension() != ".part") break;
    ::close(::open((gate + ".begun").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    ::usleep(kPause);
  }
  return ::syscall(SYS_write, fd, bytes, count);
}
