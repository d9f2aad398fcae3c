// Preloaded into a rank in the place of a slow disk: fsync(2) makes the file $HELD_SYNC.begun and
// returns once there is $HELD_SYNC, with EIO when that holds anything.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
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
