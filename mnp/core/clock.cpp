#include "mnp/core/clock.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>

namespace mnp {

LeaseClock::Time LeaseClock::now() const {
  timespec now{};
  ::clock_gettime(id(), &now);
  return Time(std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec));
}

double wall_seconds() {
  using namespace std::chrono;
  const auto now = system_clock::now().time_since_epoch();
  return static_cast<double>(duration_cast<microseconds>(now).count()) * 1e-6;
}

std::string iso_time(double wall) {
  const auto seconds = static_cast<time_t>(std::floor(wall));
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  const size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, length};
}

int poll_timeout(TimePoint when) {
  const auto left = std::chrono::ceil<Milliseconds>(when - Clock::now()).count();
  return static_cast<int>(std::clamp<long>(left, 0, 3600 * 1000));
}

}  // namespace mnp
