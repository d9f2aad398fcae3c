// From a command's pipe to its sink: cut at a limit, held back while the sink takes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cpu/command_runner.hpp"
#include "mnp/core/clock.hpp"

namespace mnp::cpu {

class OutputPump {
 public:
  /// `fd` is the pipe's non-blocking reading end, `buffer` is working space of any size but 0.
  OutputPump(int fd, OutputSink& sink, uint64_t limit, std::string& buffer)
      : fd_(fd), sink_(sink), limit_(limit), buffer_(buffer) {}

  /// What to poll for POLLIN, -1 while bytes are held back or when the pipe has ended.
  int poll_fd() const { return held_ > 0 || ended_ ? -1 : fd_; }
  /// When to call `offer`, while bytes are held back.
  std::optional<TimePoint> offer_at() const;
  bool ended() const { return ended_; }
  uint64_t handed_over() const { return handed_over_; }
  bool truncated() const { return truncated_; }

  /// One read and its delivery; false when there was nothing to read or bytes are held back.
  bool read_once();
  /// Offers what is held back once more.
  void offer();
  /// Drops what is held back.
  void drop();

 private:
  void tell_cut();
  const int fd_;
  OutputSink& sink_;
  const uint64_t limit_;
  std::string& buffer_;
  size_t held_ = 0;  // bytes at the front of the buffer
  TimePoint offer_at_;
  uint64_t handed_over_ = 0;
  bool truncated_ = false, told_cut_ = false, ended_ = false;
};

}  // namespace mnp::cpu
