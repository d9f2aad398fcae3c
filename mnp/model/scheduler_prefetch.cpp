#include "mnp/model/scheduler_prefetch.hpp"

#include <algorithm>

namespace mnp::model {
namespace {

constexpr double kLongestSample = 0.1;      // seconds after which a new rate replaces half the old
constexpr double kShortestSample = 0.01;    // seconds; below, a rate is mostly noise
constexpr float kRecordWeight = 1.0F / 16;  // of the newest record in a node's mean
constexpr double kSpreadRecords = 256;      // records that the spread remembers
constexpr double kFewRecords = 32;          // with fewer the spread is not known
constexpr double kUnknownSpread = 8;        // assumed then: rather too high
constexpr double kDepth = 0.02;             // seconds of work that a slot may have queued
constexpr double kMaxDepthFactor = 10;      // so much deeper for the shortest commands
constexpr double kShortCommand = 0.002;     // seconds; the depth grows below
constexpr double kSlowCommand = 0.1;        // seconds; never prefetched

}  // namespace

void Pace::took(double seconds) {
  if (!(seconds > 0)) return;
  const auto value = static_cast<float>(seconds);
  seconds_ = seconds_ == 0 ? value : seconds_ + kRecordWeight * (value - seconds_);
}

void Pace::sample(TimePoint now) {
  if (since_ == TimePoint{}) {
    since_ = now;
    finished_ = 0;
    return;
  }
  const double passed = std::chrono::duration<double>(now - since_).count();
  if (passed < kShortestSample || finished_ == 0) return;
  const double rate = finished_ / passed;
  const double weight = rate_ == 0 ? 1 : passed / (passed + kLongestSample);
  rate_ += static_cast<float>(weight * (rate - rate_));
  since_ = now;
  finished_ = 0;
}

double Pace::command_seconds(uint32_t slots) const {
  const double by_rate = rate_ > 0 ? slots / static_cast<double>(rate_) : 0;
  if (by_rate == 0 || seconds_ == 0) return std::max<double>(by_rate, seconds_);
  return std::min<double>(by_rate, seconds_);
}

void Spread::took(double seconds) {
  if (!(seconds > 0)) return;
  count_ = std::min(count_ + 1, kSpreadRecords);
  mean_ += (seconds - mean_) / count_;
  square_ += (seconds * seconds - square_) / count_;
}

double Spread::value() const {
  const double least = count_ < kFewRecords ? kUnknownSpread : 1;
  return mean_ > 0 ? std::max(least, square_ / (mean_ * mean_)) : least;
}

uint32_t prefetch(double command_seconds, uint32_t slots, double share, double spread) {
  if (command_seconds <= 0 || command_seconds >= kSlowCommand) return 0;
  const double factor = std::clamp(kShortCommand / command_seconds, 1.0, kMaxDepthFactor);
  const double by_time = slots * factor * kDepth / command_seconds;
  const double by_share = share / (2 * spread);
  return static_cast<uint32_t>(std::min({by_time, by_share, double{kMaxPrefetch}}));
}

}  // namespace mnp::model
