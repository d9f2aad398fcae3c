#include "cpu/output_pump.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace mnp::cpu {
namespace {

constexpr Milliseconds kOfferAgain{20};

}  // namespace

std::optional<TimePoint> OutputPump::offer_at() const {
  return held_ > 0 ? std::optional(offer_at_) : std::nullopt;
}

bool OutputPump::read_once() {
  if (poll_fd() < 0) return false;
  const ssize_t n = ::read(fd_, buffer_.data(), buffer_.size());
  if (n <= 0) {
    ended_ = n == 0 || (errno != EAGAIN && errno != EINTR);
    return false;
  }
  const auto length = static_cast<uint64_t>(n);
  const uint64_t room = limit_ - handed_over_;
  truncated_ |= length > room;
  held_ = static_cast<size_t>(std::min(length, room));
  offer();
  tell_cut();
  return true;
}

/// What is held back comes first.
void OutputPump::tell_cut() {
  if (truncated_ && held_ == 0 && !std::exchange(told_cut_, true)) sink_.cut();
}

void OutputPump::offer() {
  if (held_ == 0) return;
  if (sink_.write(std::string_view(buffer_).substr(0, held_))) {
    handed_over_ += held_;
    held_ = 0;
    tell_cut();
  } else {
    offer_at_ = Clock::now() + kOfferAgain;
  }
}

void OutputPump::drop() {
  truncated_ |= held_ > 0;
  held_ = 0;
  tell_cut();
}

}  // namespace mnp::cpu
