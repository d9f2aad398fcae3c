#include "mnp/core/loop.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <thread>

#include <gtest/gtest.h>

namespace mnp {
namespace {

constexpr auto kHang = std::chrono::seconds(60);

/// Turns until `done`; false when only a hang explains that it never was.
bool turn_until(Loop& loop, const std::function<bool()>& done) {
  const TimePoint deadline = Clock::now() + kHang;
  while (!done()) {
    if (Clock::now() > deadline) return false;
    loop.run_once(deadline);
  }
  return true;
}

TEST(Loop, CallsForAReadableDescriptor) {
  Loop loop;
  auto pipe = make_pipe();
  std::string got;
  loop.watch(pipe->read.get(), EPOLLIN, [&](uint32_t events) {
    EXPECT_TRUE(events & EPOLLIN);
    char c = 0;
    ASSERT_EQ(::read(pipe->read.get(), &c, 1), 1);
    got += c;
  });
  ASSERT_TRUE(write_all(pipe->write.get(), "ab", Clock::now() + kHang));
  EXPECT_TRUE(turn_until(loop, [&] { return got == "ab"; }));
}

TEST(Loop, ForgetsADescriptor) {
  Loop loop;
  auto pipe = make_pipe();
  int calls = 0;
  loop.watch(pipe->read.get(), EPOLLIN, [&](uint32_t) {
    ++calls;
    loop.forget(pipe->read.get());  // itself
  });
  ASSERT_TRUE(write_all(pipe->write.get(), "ab", Clock::now() + kHang));
  ASSERT_TRUE(turn_until(loop, [&] { return calls == 1; }));
  loop.run_once(Clock::now());
  EXPECT_EQ(calls, 1);
}

TEST(Loop, AChangedDescriptorWaitsForTheNewEvents) {
  Loop loop;
  auto pipe = make_pipe();
  uint32_t seen = 0;
  loop.watch(pipe->write.get(), 0, [&](uint32_t events) { seen |= events; });
  loop.run_once(Clock::now());
  EXPECT_EQ(seen, 0u);
  loop.change(pipe->write.get(), EPOLLOUT);
  EXPECT_TRUE(turn_until(loop, [&] { return (seen & EPOLLOUT) != 0; }));
}

TEST(Loop, TimersRunInTheirOrder) {
  Loop loop;
  std::string order;
  const TimePoint now = Clock::now();
  loop.at(now + Milliseconds(2), [&] { order += 'b'; });
  loop.at(now + Milliseconds(1), [&] { order += 'a'; });
  loop.after(Milliseconds(3), [&] { order += 'c'; });
  EXPECT_TRUE(turn_until(loop, [&] { return order.size() == 3; }));
  EXPECT_EQ(order, "abc");
}

TEST(Loop, ACancelledTimerNeverRuns) {
  Loop loop;
  bool cancelled_ran = false, other_ran = false;
  const auto id = loop.after(Milliseconds(1), [&] { cancelled_ran = true; });
  loop.after(Milliseconds(2), [&] { other_ran = true; });
  loop.cancel(id);
  loop.cancel(id);
  EXPECT_TRUE(turn_until(loop, [&] { return other_ran; }));
  EXPECT_FALSE(cancelled_ran);
}

TEST(Loop, APeriodicTimerCanCancelItself) {
  Loop loop;
  int runs = 0;
  bool later = false;
  Loop::TimerId id = 0;
  id = loop.every(Milliseconds(1), [&] {
    if (++runs == 3) {
      loop.cancel(id);
      loop.after(Milliseconds(5), [&] { later = true; });
    }
  });
  EXPECT_TRUE(turn_until(loop, [&] { return later; }));
  EXPECT_EQ(runs, 3);
}

TEST(Loop, ASlowPeriodicTimerStarvesNoDescriptor) {
  Loop loop;
  auto pipe = make_pipe();
  bool readable = false;
  int runs = 0;
  const auto id = loop.every(Milliseconds(1), [&] {
    ++runs;
    std::this_thread::sleep_for(Milliseconds(3));
  });
  loop.watch(pipe->read.get(), EPOLLIN, [&](uint32_t) {
    readable = true;
    loop.forget(pipe->read.get());
  });
  ASSERT_TRUE(turn_until(loop, [&] { return runs > 0; }));
  ASSERT_TRUE(write_all(pipe->write.get(), "a", Clock::now() + kHang));
  EXPECT_TRUE(turn_until(loop, [&] { return readable; }));
  loop.cancel(id);
}

TEST(Loop, RunsWhatOtherThreadsPostAndStops) {
  Loop loop;
  int count = 0;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) loop.post([&] { ++count; });
    loop.stop();
  });
  loop.run();
  other.join();
  EXPECT_EQ(count, 1000);
}

TEST(Loop, AStopBeforeRunCountsToo) {
  Loop loop;
  loop.stop();
  loop.run();  // returns
  bool ran = false;
  loop.post([&] { ran = true; });
  loop.stop();
  loop.run();
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace mnp
