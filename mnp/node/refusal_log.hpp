// Counts of refused connections, said at most once in 10 s for each reason.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "mnp/core/clock.hpp"
#include "mnp/node/channel_server.hpp"

namespace mnp::node {

class RefusalLog {
 public:
  static constexpr std::chrono::seconds kQuiet{10};

  ~RefusalLog();
  /// `peer` is an address; nothing that a stranger sent is ever logged.
  void add(Refusal why, std::string_view peer, TimePoint now);
  uint64_t count(Refusal why) const { return reasons_[static_cast<size_t>(why)].count; }

 private:
  struct Reason {
    uint64_t count = 0, said = 0;
    TimePoint last_said{};
    std::string last_peer;
  };
  static void say(Refusal why, Reason& reason);
  std::array<Reason, kRefusals> reasons_;
};

}  // namespace mnp::node
