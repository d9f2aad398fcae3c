// How commands end: grandchildren, daemons, time limits, stops.
#include <signal.h>

#include "cpu/proc_table.hpp"
#include "cpu/supervision.hpp"
#include "mnp/core/files.hpp"
#include "mnp/core/text.hpp"
#include "running.hpp"

namespace mnp::cpu {
namespace {

using namespace std::chrono_literals;

bool is_gone(pid_t pid) {
  const auto info = read_process(pid);
  return !info || info->state == 'Z';
}

/// The pid in a command's output.
pid_t pid_in(const std::string& text) {
  return std::atoi(text.c_str());
}

double seconds(const Finished& finished) {
  return finished.ended - finished.started;
}

/// Stops the runner when the command says its first word.
class StopAtFirstWord : public TextSink {
 public:
  StopAtFirstWord(CommandRunner& runner, Milliseconds grace) : runner_(runner), grace_(grace) {}
  bool write(std::string_view bytes) override {
    if (text.empty()) runner_.stop(grace_);
    return TextSink::write(bytes);
  }

 private:
  CommandRunner& runner_;
  const Milliseconds grace_;
};

TEST(CommandEnds, DoesNotWaitForAGrandchildThatHoldsThePipe) {
  const TimePoint before = Clock::now();
  const Ran ran = run_line("sleep 100 & echo $!");
  EXPECT_LT(Clock::now() - before, 30s);
  EXPECT_EQ(ran.finished.ending, exited(0));
  ASSERT_GT(pid_in(ran.text), 0);
  EXPECT_TRUE(is_gone(pid_in(ran.text)));
}

/// The pid of a script that `before` starts in the background, and that would run for ever. The
/// command ends once it is there.
pid_t run_with_daemon(const std::string& before, const std::string& after) {
  const auto folder = TemporaryFolder::create("mnp-test-").value();
  const std::string there = folder.path() / "there", script = folder.path() / "daemon";
  EXPECT_TRUE(create_file_once(script, "echo $$; : > " + there + "; while :; do sleep 1; done"));
  return pid_in(run_line(before + "/bin/sh " + script + after + " & while [ ! -e " + there +
                         " ]; do sleep 0.02; done")
                    .text);
}

TEST(CommandEnds, KillsWhatLeftItsSession) {
  const pid_t daemon = run_with_daemon("setsid ", "");
  ASSERT_GT(daemon, 0);
  EXPECT_TRUE(is_gone(daemon));
}

TEST(CommandEnds, KillsADaemonThatClearedItsEnvironment) {
  const pid_t daemon = run_with_daemon("env -i /usr/bin/setsid ", "");
  ASSERT_GT(daemon, 0);
  EXPECT_TRUE(is_gone(daemon));
}

TEST(CommandEnds, KillsADaemonOfADaemonThatIgnoresEverything) {
  const pid_t daemon = run_with_daemon("setsid sh -c 'trap \"\" TERM HUP INT; setsid ", " & wait'");
  ASSERT_GT(daemon, 0);
  EXPECT_TRUE(is_gone(daemon));
}

TEST(CommandEnds, LeavesDaemonsOfOtherRunningCommandsAlone) {
  const auto folder = TemporaryFolder::create("mnp-test-").value();
  const std::string pid_file = folder.path() / "pid", go = folder.path() / "go";
  Ran other;
  std::thread thread([&] {
    other = run_line("setsid sh -c 'echo $$ > " + pid_file + "; exec sleep 100' & while [ ! -e " +
                     go + " ]; do sleep 0.02; done");
  });
  pid_t daemon = 0;
  EXPECT_TRUE(eventually([&] {
    const auto text = read_file(pid_file);
    daemon = text ? pid_in(*text) : 0;
    return daemon > 0;
  }));
  for (int i = 0; i < 20; ++i) run_line("setsid sleep 0 & true");
  EXPECT_FALSE(is_gone(daemon));
  EXPECT_TRUE(create_file_once(go, ""));
  thread.join();
  EXPECT_TRUE(is_gone(daemon));
}

TEST(CommandEnds, LeavesNoZombies) {
  for (int i = 0; i < 50; ++i) run_line("setsid true & (true &) & true");
  EXPECT_EQ(children_of(::getpid()), std::vector<pid_t>());
}

TEST(CommandEnds, TimeoutEndsTheWholeCommand) {
  Start start = start_of("sleep 100 & echo $!; wait");
  start.timeout = 200ms;
  RunnerOptions options;
  options.timeout_grace = 60s;
  const Ran ran = run_start(start, options);
  EXPECT_EQ(ran.finished.ending, timed_out());
  EXPECT_FALSE(ran.finished.stopped);
  EXPECT_GE(seconds(ran.finished), 0.19);
  EXPECT_LT(seconds(ran.finished), 50) << "SIGTERM was enough";
  EXPECT_TRUE(is_gone(pid_in(ran.text)));
}

TEST(CommandEnds, TimeoutKillsWhatIgnoresSigterm) {
  Start start = start_of("trap '' TERM; echo $$; while :; do sleep 0.05; done");
  RunnerOptions options;
  options.timeout_grace = 300ms;
  Ran ran;  // once more where it was ended before it ignored that
  for (start.timeout = 100ms; ran.text.empty() && *start.timeout < 60s; *start.timeout *= 4)
    ran = run_start(start, options);
  EXPECT_EQ(ran.finished.ending, timed_out());
  EXPECT_GE(seconds(ran.finished), 0.39);
  EXPECT_TRUE(is_gone(pid_in(ran.text)));
}

TEST(CommandEnds, ChildrenHaveTheGraceEvenWhenTheirShellDiesAtOnce) {
  const auto runner = make_runner();
  StopAtFirstWord sink(*runner, 60s);
  const Finished finished = runner->run(
      start_of(
          "perl -e '$| = 1; $SIG{TERM} = sub { select(undef, undef, undef, 0.3); print q(saved);"
          " exit }; print q(ready-); sleep 1 while 1' & wait"),
      sink);
  EXPECT_EQ(sink.text, "ready-saved");
  EXPECT_EQ(finished.ending, signalled(SIGTERM));
}

TEST(CommandEnds, WarnsTheProgramBeforeTheTimeout) {
  for (const std::string wrap : {"", "cd / && "}) {
    Start start = start_of(wrap +
                           "perl -e '$| = 1; $SIG{USR1} = sub { print q(warned); exit 3 }; "
                           "print q(ready-); sleep 1 while 1'");
    start.warn_signal = SIGUSR1;
    start.warn_before = 60s;
    Ran ran;  // once more where it was warned before it was ready
    for (auto after = 2000ms; ran.text.empty() && after < 60s; after *= 4) {
      start.timeout = after + start.warn_before;
      ran = run_start(start);
    }
    EXPECT_EQ(ran.text, "ready-warned") << wrap;
    EXPECT_EQ(ran.finished.ending, exited(3)) << wrap;
    EXPECT_GE(seconds(ran.finished), 1.9) << wrap;
  }
}

TEST(CommandEnds, StopFromAnotherThreadAsksFirst) {
  const auto runner = make_runner();
  const auto folder = TemporaryFolder::create("mnp-test-").value();
  const fs::path ready = folder.path() / "ready";
  std::thread stopper([&] {
    EXPECT_TRUE(eventually([&] { return fs::exists(ready); }));
    runner->stop(60s);
  });
  TextSink sink;
  const Finished finished = runner->run(
      start_of("perl -e '$SIG{TERM} = sub { syswrite STDOUT, q(bye); exit 4 }; open(F, q(>), q(" +
               ready.string() + ")); sleep 1 while 1'"),
      sink);
  stopper.join();
  EXPECT_EQ(sink.text, "bye");
  EXPECT_EQ(finished.ending, exited(4));
  EXPECT_TRUE(finished.stopped);
}

TEST(CommandEnds, StopReachesProcessesInGroupsOfTheirOwn) {
  const auto runner = make_runner();
  StopAtFirstWord sink(*runner, 60s);
  const TimePoint before = Clock::now();
  runner->run(start_of("timeout 100 perl -e '$SIG{TERM} = sub { syswrite STDOUT, q(asked); exit };"
                       " syswrite STDOUT, q(ready-); sleep 1 while 1'; sleep 100"),
              sink);
  EXPECT_EQ(sink.text, "ready-asked");
  EXPECT_LT(Clock::now() - before, 40s);
}

TEST(CommandEnds, ASecondStopShortensTheGrace) {
  const auto runner = make_runner();
  StopAtFirstWord sink(*runner, 1h);
  std::thread stopper([&] {
    std::this_thread::sleep_for(400ms);
    runner->kill();
  });
  const Finished finished =
      runner->run(start_of("trap '' TERM; echo ready; while :; do sleep 0.02; done"), sink);
  stopper.join();
  EXPECT_EQ(finished.ending, signalled(SIGKILL));
}

TEST(CommandEnds, AStoppedRunnerStartsNothing) {
  const auto runner = make_runner();
  TextSink sink;
  runner->stop(0ms);
  const Finished finished = runner->run(start_of("/bin/echo a"), sink);
  EXPECT_EQ(finished.ending, (model::Ending{model::Ending::Kind::kNotStarted, ECANCELED}));
  EXPECT_TRUE(finished.stopped);
  EXPECT_EQ(sink.text, "");
}

TEST(CommandEnds, StopEndsAFrozenCommand) {
  const auto runner = make_runner();
  StopAtFirstWord sink(*runner, 60s);
  const TimePoint before = Clock::now();
  runner->run(start_of("echo freezing; kill -STOP $$; sleep 100"), sink);
  EXPECT_LT(Clock::now() - before, 40s);
}

TEST(CommandEnds, KilledForkBombLeavesNothing) {
  const auto runner = make_runner();
  TextSink sink;
  std::thread stopper([&] {
    std::this_thread::sleep_for(300ms);
    runner->kill();
  });
  Start start =
      start_of("ulimit -u 1000000; f() { setsid sh -c 'sleep 100' & sleep 0.01; f; }; f & f");
  const Finished finished = runner->run(start, sink);
  stopper.join();
  EXPECT_FALSE(finished.left_running);
  EXPECT_EQ(children_of(::getpid()), std::vector<pid_t>());
}

TEST(CommandEnds, DaemonsMayStayAndAreEndedByTheirMark) {
  const auto runner = make_runner();
  TextSink sink;
  Start start = start_of("setsid sh -c 'echo $$; exec sleep 100 > /dev/null 2>&1' & exit 0");
  start.leave_descendants = true;
  const std::string mark = start.marks[0];
  shared_orphans()->spare(mark);
  const Finished finished = runner->run(start, sink);
  const pid_t daemon = pid_in(sink.text);
  EXPECT_EQ(finished.ending, exited(0));
  ASSERT_GT(daemon, 0);
  for (int i = 0; i < 20; ++i) run_line("setsid sleep 0 & true");
  EXPECT_FALSE(is_gone(daemon));
  EXPECT_TRUE(shared_orphans()->end_marked(mark, Clock::now() + 20s));
  EXPECT_TRUE(is_gone(daemon));
  EXPECT_EQ(runner->run(start_of("/bin/echo next"), sink).ending, exited(0));
}

}  // namespace
}  // namespace mnp::cpu
