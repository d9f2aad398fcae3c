#include "mnp/node/rank_watch.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "waiting.hpp"

namespace mnp::node {
namespace {

/// A process that stands for a rank and does nothing.
class RankWatchTest : public testing::Test {
 protected:
  RankWatchTest() {
    rank = ::fork();
    if (rank == 0)
      for (;;) ::pause();
  }
  ~RankWatchTest() override {
    if (!ended) ::kill(rank, SIGKILL);
    if (!ended) ::waitpid(rank, nullptr, 0);
  }
  bool has_ended() {
    if (!ended && ::waitpid(rank, &status, WNOHANG) == rank) ended = true;
    return ended;
  }
  void turn_for(Milliseconds time) {
    const TimePoint until = Clock::now() + time;
    while (Clock::now() < until) loop.run_once(until);
  }

  Loop loop;
  pid_t rank = 0;
  int status = 0;
  bool ended = false;
};

TEST_F(RankWatchTest, AFrozenRankIsKilled) {
  ASSERT_EQ(::kill(rank, SIGSTOP), 0);
  const RankWatch watch(loop, rank, Milliseconds(200));
  const TimePoint deadline = Clock::now() + kHangs;
  while (!has_ended() && Clock::now() < deadline) loop.run_once(Clock::now() + Milliseconds(10));
  ASSERT_TRUE(ended);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST_F(RankWatchTest, ARankThatIsHeardLives) {
  RankWatch watch(loop, rank, Milliseconds(1000));
  for (int i = 0; i < 30; ++i) {
    turn_for(Milliseconds(100));
    watch.heard();
  }
  EXPECT_FALSE(has_ended());
}

TEST_F(RankWatchTest, AnAgentThatWasFrozenItselfBlamesNoRank) {
  const RankWatch watch(loop, rank, Milliseconds(200));
  ::usleep(600'000);
  loop.run_once(Clock::now());
  EXPECT_FALSE(has_ended());
}

TEST_F(RankWatchTest, NothingIsKilledOnceTheRankIsLetGo) {
  { const RankWatch watch(loop, rank, Milliseconds(200)); }
  turn_for(Milliseconds(500));
  EXPECT_FALSE(has_ended());
}

}  // namespace
}  // namespace mnp::node
