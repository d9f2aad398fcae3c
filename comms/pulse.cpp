#include "comms/pulse.hpp"

#include <condition_variable>
#include <mutex>

namespace mnp::comms {

Pulse::Pulse(AgentLink& agent, Milliseconds every, Milliseconds files_limit)
    : agent_(agent),
      every_(every),
      files_limit_(files_limit),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Pulse::~Pulse() {
  thread_.request_stop();
  thread_.join();
}

bool Pulse::lives() {
  if (turned_.exchange(false)) return true;
  const Clock::rep since = files_since_;
  return since != 0 && Clock::now() - TimePoint(TimePoint::duration(since)) < files_limit_;
}

/// Frames that wait say as much as a pulse once they go, and must not grow where the agent does not
/// read.
void Pulse::run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    if (lives()) {
      if (agent_.queued() == 0) agent_.send(model::RankFrame::kPulse, {});
      (void)agent_.flush();  // the loop finds out that the agent is gone
    }
    wake.wait_for(lock, stop, every_, [] { return false; });
  }
}

}  // namespace mnp::comms
