#include "cpu/orphans.hpp"

#include <sys/prctl.h>

#include "cpu/proc_table.hpp"
#include "mnp/core/files.hpp"
#include "running.hpp"

namespace mnp::cpu {
namespace {

using namespace std::chrono_literals;

size_t adopted_by_main_thread() {
  const std::string pid = std::to_string(::getpid());
  const auto text = read_file("/proc/self/task/" + pid + "/children");
  return text ? parse_children(text->data(), text->size()).size() : 0;
}

TEST(Orphans, MakesThisProcessTheSubreaper) {
  shared_orphans();
  int on = 0;
  ASSERT_EQ(::prctl(PR_GET_CHILD_SUBREAPER, &on, 0, 0, 0), 0);
  EXPECT_EQ(on, 1);
}

TEST(Orphans, ARunThatLeftNothingHasNothing) {
  const auto orphans = shared_orphans();
  const auto run = orphans->enter({"A=1"});
  EXPECT_TRUE(orphans->left_of(run).empty());
  EXPECT_TRUE(orphans->end_left_of(run, Clock::now()));
  orphans->leave(run);
}

TEST(Orphans, AreAdoptedByTheMainThreadAlsoWhenAnotherThreadRanTheCommand) {
  pid_t daemon = 0;
  std::vector<pid_t> left;
  std::thread([&] {
    TextSink sink;
    Start start = start_of("setsid sh -c 'echo $$; exec sleep 100 > /dev/null 2>&1' & exit 0");
    start.leave_descendants = true;
    shared_orphans()->spare(start.marks[0]);
    make_runner()->run(start, sink);
    daemon = std::atoi(sink.text.c_str());
    left = children_of(::getpid());
    EXPECT_TRUE(shared_orphans()->end_marked(start.marks[0], Clock::now() + 20s));
  }).join();
  ASSERT_GT(daemon, 0);
  EXPECT_EQ(left, std::vector<pid_t>{daemon});
  EXPECT_TRUE(children_of(::getpid()).empty());
}

TEST(Orphans, EndingAMarkWaitsForTheRunsThatCarryIt) {
  const auto runner = make_runner();
  Start start = start_of("echo ready; while :; do sleep 0.02; done");
  start.leave_descendants = true;
  const std::string mark = start.marks[0];
  shared_orphans()->spare(mark);
  class Ready : public OutputSink {
   public:
    bool write(std::string_view) override { return yes = true; }
    std::atomic<bool> yes{false};
  } ready;
  std::thread thread([&] { runner->run(start, ready); });
  EXPECT_TRUE(eventually([&] { return ready.yes.load(); }));
  EXPECT_FALSE(shared_orphans()->end_marked(mark, Clock::now() + 50ms));
  runner->kill();
  EXPECT_TRUE(shared_orphans()->end_marked(mark, Clock::now() + 60s));
  thread.join();
}

TEST(Orphans, WhatDiesWhileItsCommandRunsIsReaped) {
  const auto runner = make_runner();
  std::atomic<bool> ended{false};
  std::thread thread([&] {
    TextSink sink;
    runner->run(start_of("(setsid sh -c 'exec sleep 0.3' &); exec sleep 1000"), sink);
    ended = true;
  });
  EXPECT_TRUE(eventually([] { return adopted_by_main_thread() == 1; }));
  EXPECT_TRUE(eventually([] {
    shared_orphans()->reap();
    return adopted_by_main_thread() == 0;
  }));
  EXPECT_FALSE(ended);
  runner->kill();
  thread.join();
}

TEST(Orphans, EndingAMarkThatNobodyCarriesIsSuccess) {
  EXPECT_TRUE(shared_orphans()->end_marked("NO_SUCH=1", Clock::now()));
}

}  // namespace
}  // namespace mnp::cpu
