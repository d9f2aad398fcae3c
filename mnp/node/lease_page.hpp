// What a keeper must know of its agent at any moment, in memory that both share: the agent writes
// it without a lock and without a wait, however long the keeper is frozen, and a keeper that thaws
// reads what holds now, not what has held.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "mnp/core/clock.hpp"
#include "mnp/core/fd.hpp"
#include "mnp/core/result.hpp"

namespace mnp::node {

/// One agent's; the next agent gets another, so that nothing of the last one counts for it.
class LeasePage {
 public:
  /// The keeper's, empty. `memory` is handed to the agent.
  static Result<LeasePage> create(Fd& memory);
  /// The agent's, of what it was handed.
  static Result<LeasePage> open(const Fd& memory);

  /// Deadlines only grow: the keeper looks at the time of the last one it saw. True: the first.
  bool set_deadline(LeaseTime deadline);
  std::optional<LeaseTime> deadline() const;
  /// A suspect runs alone on the node.
  void set_suspect(bool runs);
  bool suspect() const;

 private:
  struct Shared {
    std::atomic<int64_t> deadline;  // nanoseconds of the lease's clock; 0: none yet
    std::atomic<bool> suspect;
  };
  static_assert(std::atomic<int64_t>::is_always_lock_free &&
                std::atomic<bool>::is_always_lock_free);
  struct Unmap {
    void operator()(Shared* page) const;
  };
  static Result<LeasePage> map(const Fd& memory);
  explicit LeasePage(Shared* page) : page_(page) {}
  std::unique_ptr<Shared, Unmap> page_;
};

}  // namespace mnp::node
