// Starts on this node what an mnp-rsh somewhere asks for, and says how it goes.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "mnp/core/loop.hpp"
#include "mnp/node/spawn.hpp"
#include "mnp/node/worker.hpp"

namespace mnp::node {

class DaemonHost {
 public:
  /// kStderr as output comes, then one kExited; or one kRefused. In the loop.
  using Say = std::function<void(SpawnFrame, std::string_view)>;

  static constexpr size_t kMaxUnread = size_t{4} << 20;  // bytes of output not yet said

  DaemonHost(Loop& loop, Worker& worker) : loop_(loop), worker_(worker) {}
  ~DaemonHost();
  void start(uint64_t id, EpochNumber epoch, const SpawnRequest& request, const Say& say);
  /// Its mnp-rsh has gone. One that has been killed itself has a moment to say so.
  void stop(uint64_t id);

 private:
  Loop& loop_;
  Worker& worker_;
  std::set<Loop::TimerId> timers_;
};

}  // namespace mnp::node
