// How all ranks end in order: main says so, the others finish what they were sending and say bye,
// then all leave MPI together.
#pragma once

#include <optional>

#include "comms/inbox.hpp"
#include "comms/wiring.hpp"

namespace mnp::comms {

class Farewell {
 public:
  static constexpr Milliseconds kDeadline{10'000};  // from the word to the end

  explicit Farewell(const Wiring& wiring)
      : wiring_(wiring),
        inbox_(wiring.transport, Channel::kControl, std::nullopt, kMaxControlBytes) {}

  /// On main: tells all others.
  void begin(TimePoint now);
  bool begun() const { return deadline_.has_value(); }
  /// Takes part. `settled`: nothing but this is under way on this rank. True when something moved;
  /// kTimeout past the deadline.
  Result<bool> step(bool settled, TimePoint now);
  /// All may leave MPI.
  bool over() const { return over_; }

 private:
  static constexpr size_t kMaxControlBytes = size_t{64} << 10;
  Status take(const Arrived& arrived, TimePoint now);

  const Wiring& wiring_;
  Inbox inbox_;
  std::optional<TimePoint> deadline_;
  uint32_t byes_ = 0;
  bool said_bye_ = false, over_ = false;
};

}  // namespace mnp::comms
