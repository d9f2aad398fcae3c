#include "comms/idle.hpp"

#include <poll.h>

#include <algorithm>

namespace mnp::comms {

Microseconds Idle::pause(bool expecting, TimePoint now) const {
  constexpr int kGrowth = 8;  // a pause is this part of the quiet time so far
  const auto quiet = std::chrono::duration_cast<Microseconds>(now - last_news_);
  if (!expecting && quiet >= kAlert) return kSafetyLook;
  return std::clamp(quiet / kGrowth, kShortest, kLongest);
}

bool wait_for_agent(int fd, bool read, bool write, Microseconds pause) {
  pollfd waiting{fd, static_cast<short>((read ? POLLIN : 0) | (write ? POLLOUT : 0)), 0};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(pause);
  const timespec timeout{seconds.count(), nanoseconds(pause - seconds).count()};
  ::ppoll(&waiting, 1, &timeout, nullptr);
  return (waiting.revents & (POLLHUP | POLLERR)) == 0;
}

}  // namespace mnp::comms
