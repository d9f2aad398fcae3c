#include "mnp/node/rank_watch.hpp"

#include <signal.h>

#include "mnp/core/log.hpp"

namespace mnp::node {
namespace {

constexpr int kTicks = 20;  // in a limit

}  // namespace

RankWatch::RankWatch(Loop& loop, pid_t rank, Milliseconds limit)
    : loop_(loop),
      rank_(rank),
      limit_(limit),
      timer_(loop.every(limit / kTicks, [this] { tick(); })) {}

RankWatch::~RankWatch() {
  loop_.cancel(timer_);
}

void RankWatch::tick() {
  if (++silent_ticks_ != kTicks) return;
  log::warning("the rank (process {}) has said nothing for {} ms; killing it", rank_,
               limit_.count());
  ::kill(rank_, SIGKILL);
}

}  // namespace mnp::node
