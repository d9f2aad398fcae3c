// Owned file descriptors and the few system calls that everything else is made of.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "mnp/core/clock.hpp"
#include "mnp/core/result.hpp"

namespace mnp {

/// Owns one descriptor; closes it when it goes.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read, write;
};
/// Both ends close-on-exec.
Result<Pipe> make_pipe();
Result<Fd> make_eventfd();
void notify(const Fd& eventfd);         // adds 1; never blocks
void drain_eventfd(const Fd& eventfd);  // back to 0

Status set_nonblocking(int fd);
/// For the start of a program: what it opens must not become a standard descriptor that was closed,
/// which others write to.
void hold_standard_descriptors();

/// Writes all of `bytes`, waiting while the descriptor is full, at most until `deadline`.
Status write_all(int fd, std::string_view bytes, TimePoint deadline);
/// Reads to the end of a file, or fails with kProtocol past `limit` bytes.
Result<std::string> read_all(int fd, size_t limit);

}  // namespace mnp
