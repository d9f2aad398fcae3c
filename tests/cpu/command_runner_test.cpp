#include "cpu/command_runner.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <set>

#include "cpu/proc_table.hpp"
#include "mnp/core/files.hpp"
#include "running.hpp"

namespace mnp::cpu {
namespace {

using namespace std::chrono_literals;

TEST(CommandRunner, TellsEveryExitStatus) {
  const auto runner = make_runner();
  TextSink sink;
  for (int code = 0; code < 256; ++code) {
    Start direct = start_of("/bin/sh -c 'exit " + std::to_string(code) + "'");
    EXPECT_EQ(runner->run(direct, sink).ending, exited(code));
  }
  EXPECT_EQ(runner->run(start_of("exit 77"), sink).ending, exited(77));
}

TEST(CommandRunner, TellsEverySignal) {
  const auto runner = make_runner();
  TextSink sink;
  const std::set<int> harmless = {SIGCHLD, SIGCONT, SIGURG,  SIGWINCH,
                                  SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
  for (int number = 1; number < NSIG; ++number) {
    if (harmless.count(number) != 0 || number == 32 || number == 33) continue;  // glibc's own
    const std::string text = std::to_string(number);
    const auto ending =
        runner->run(start_of("/bin/sh -c 'kill -" + text + " $$; sleep 9'"), sink).ending;
    EXPECT_EQ(ending, signalled(number));
  }
}

TEST(CommandRunner, KeepsOutputOfBothStreamsInTheirOrder) {
  const Ran ran = run_line("for i in 1 2 3; do echo o$i; echo e$i >&2; done");
  EXPECT_EQ(ran.text, "o1\ne1\no2\ne2\no3\ne3\n");
  EXPECT_EQ(ran.finished.output_bytes, 18u);
  EXPECT_FALSE(ran.finished.truncated);
}

TEST(CommandRunner, TakesMoreOutputThanAPipeHolds) {
  const Ran ran = run_line("head -c 3000000 /dev/zero");
  EXPECT_EQ(ran.text, std::string(3000000, '\0'));
}

TEST(CommandRunner, CutsOutputAtTheLimitAndLetsTheCommandFinish) {
  Start start = start_of("head -c 1000000 /dev/zero; exit 5");
  start.max_output = 100001;
  const Ran ran = run_start(start);
  EXPECT_EQ(ran.text.size(), 100001u);
  EXPECT_EQ(ran.finished.output_bytes, 100001u);
  EXPECT_TRUE(ran.finished.truncated);
  EXPECT_EQ(ran.finished.ending, exited(5));
}

TEST(CommandRunner, OutputOfExactlyTheLimitIsNotCut) {
  Start start = start_of("printf 12345");
  start.max_output = 5;
  const Ran ran = run_start(start);
  EXPECT_EQ(ran.text, "12345");
  EXPECT_FALSE(ran.finished.truncated);
}

TEST(CommandRunner, OffersOutputAgainToASinkThatWasFull) {
  class FullAtFirst : public TextSink {
   public:
    bool write(std::string_view bytes) override { return ++calls > 5 && TextSink::write(bytes); }
    int calls = 0;
  } sink;
  make_runner()->run(start_of("head -c 200000 /dev/zero | tr '\\0' x; echo end"), sink);
  EXPECT_EQ(sink.text, std::string(200000, 'x') + "end\n");
}

TEST(CommandRunner, StopIsServedWhileTheSinkIsFull) {
  class AlwaysFull : public OutputSink {
   public:
    bool write(std::string_view) override {
      asked = true;
      return false;
    }
    std::atomic<bool> asked{false};
  } sink;
  const auto runner = make_runner();
  std::thread stopper([&] {
    EXPECT_TRUE(eventually([&] { return sink.asked.load(); }));
    runner->stop(60s);
    EXPECT_TRUE(eventually([] {
      for (const pid_t pid : children_of(::getpid()))
        if (const auto info = read_process(pid); info && info->state != 'Z') return false;
      return true;
    })) << "it was not asked to end";
    runner->kill();  // and with it the wait for the sink
  });
  const Finished finished = runner->run(start_of("yes"), sink);
  stopper.join();
  EXPECT_EQ(finished.ending, signalled(SIGTERM));
  EXPECT_TRUE(finished.truncated);
  EXPECT_EQ(finished.output_bytes, 0u);
}

TEST(CommandRunner, StandardInputIsEmpty) {
  EXPECT_EQ(run_line("/bin/cat").finished.ending, exited(0));
  EXPECT_EQ(run_line("readlink /proc/self/fd/0").text, "/dev/null\n");
}

TEST(CommandRunner, LeaksNoDescriptor) {
  const Fd leaky(::open("/etc/passwd", O_RDONLY));  // without close-on-exec
  const Fd high(::fcntl(leaky.get(), F_DUPFD, 700));
  ASSERT_TRUE(high);
  EXPECT_EQ(run_line("/bin/ls /proc/self/fd").text, "0\n1\n2\n3\n");  // 3 is ls's own
}

TEST(CommandRunner, WorksWhereThisProcessHasNoStandardDescriptors) {
  const Fd in(::dup(0)), out(::dup(1)), error(::dup(2));
  for (const int fd : {0, 1, 2}) ::close(fd);
  const Ran ran = run_line("/bin/echo a; cat; echo b >&2");
  for (const auto& [copy, fd] : {std::pair{&in, 0}, {&out, 1}, {&error, 2}})
    if (*copy) ::dup2(copy->get(), fd);
  EXPECT_EQ(ran.text, "a\nb\n");
}

TEST(CommandRunner, StartsWithDefaultSignalsAndAnEmptyMask) {
  struct sigaction ignore {
  }, before_pipe{}, before_int{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &before_pipe);
  ::sigaction(SIGINT, &ignore, &before_int);
  const Ran ran = run_line("/bin/cat /proc/self/status");
  ::sigaction(SIGPIPE, &before_pipe, nullptr);
  ::sigaction(SIGINT, &before_int, nullptr);
  for (const char* line : {"SigBlk", "SigIgn", "SigCgt"})
    EXPECT_NE(ran.text.find(std::string(line) + ":\t0000000000000000\n"), std::string::npos)
        << line;
}

TEST(CommandRunner, LeavesTheCallersMaskAsItWas) {
  sigset_t usr1, now;
  ::sigemptyset(&usr1);
  ::sigaddset(&usr1, SIGUSR1);
  sigset_t before;
  ::pthread_sigmask(SIG_SETMASK, &usr1, &before);
  run_line("/bin/true");
  ::pthread_sigmask(SIG_SETMASK, &before, &now);
  EXPECT_TRUE(::sigismember(&now, SIGUSR1) == 1);
  EXPECT_TRUE(::sigismember(&now, SIGTERM) == 0);
}

/// Blocked, it would wake another thread of ours for every command that ends.
TEST(CommandRunner, BlocksAllSignalsButASigchldThatNobodyHandles) {
  class MaskSink : public OutputSink {
   public:
    bool write(std::string_view) override {
      ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
      return true;
    }
    sigset_t mask{};
  } sink;
  make_runner()->run(start_of("echo word"), sink);
  EXPECT_EQ(::sigismember(&sink.mask, SIGTERM), 1);
  EXPECT_EQ(::sigismember(&sink.mask, SIGCHLD), 0);

  const auto before = ::signal(SIGCHLD, [](int) {});
  make_runner()->run(start_of("echo word"), sink);
  ::signal(SIGCHLD, before);
  EXPECT_EQ(::sigismember(&sink.mask, SIGCHLD), 1);
}

TEST(CommandRunner, LeadsASessionOfItsOwn) {
  const Ran ran = run_line(
      "read pid name state ppid group session rest < /proc/self/stat;"
      " echo $(($pid - $session)) $(($pid - $group))");
  EXPECT_EQ(ran.text, "0 0\n");
}

TEST(CommandRunner, BindsToTheCoresGiven) {
  cpu_set_t own;
  ASSERT_EQ(::sched_getaffinity(0, sizeof own, &own), 0);
  int last = -1;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &own)) last = cpu;
  Start start = start_of("/bin/grep Cpus_allowed_list /proc/self/status");
  start.cpus = {last};
  EXPECT_EQ(run_start(start).text, "Cpus_allowed_list:\t" + std::to_string(last) + "\n");
}

TEST(CommandRunner, SetsEnvironmentAndFolder) {
  const auto folder = TemporaryFolder::create("mnp-test-").value();
  Start start = start_of("/usr/bin/env");
  start.base = std::make_shared<const std::vector<std::string>>(
      std::vector<std::string>{"PATH=/bin", "A=base", "AB=kept", "PWD=/wrong"});
  start.extra = {"A=extra", "B="};
  start.cwd = folder.path();
  EXPECT_EQ(run_start(start).text,
            "PATH=/bin\nAB=kept\nA=extra\nB=\nPWD=" + folder.path().string() + "\n");
  start.line = "/bin/pwd";
  EXPECT_EQ(run_start(start).text, folder.path().string() + "\n");
}

TEST(CommandRunner, SaysWhyACommandCouldNotStart) {
  Start start = start_of("/bin/true");
  start.cwd = "/no/such/folder";
  EXPECT_EQ(run_start(start).finished.ending,
            (model::Ending{model::Ending::Kind::kNotStarted, ENOENT}));
  start = start_of("");
  start.argv = {"/etc/passwd"};
  EXPECT_EQ(run_start(start).finished.ending,
            (model::Ending{model::Ending::Kind::kNotStarted, EACCES}));
  start = start_of("/bin/true " + std::string(140000, 'x'));
  EXPECT_EQ(run_start(start).finished.ending,
            (model::Ending{model::Ending::Kind::kNotStarted, E2BIG}));
}

TEST(CommandRunner, RunsAScriptWithoutInterpreterLineAsTheShellDoes) {
  const auto folder = TemporaryFolder::create("mnp-test-").value();
  const fs::path script = folder.path() / "script";
  ASSERT_TRUE(create_file_once(script, "echo script $1\nexit 6\n", 0755));
  const Ran ran = run_line(script.string() + " word");
  EXPECT_EQ(ran.text, "script word\n");
  EXPECT_EQ(ran.finished.ending, exited(6));
}

TEST(CommandRunner, ArgvIsNotReadByAShell) {
  Start start = start_of("");
  start.argv = {"printf", "%s|", "$HOME", "a;b", ""};
  EXPECT_EQ(run_start(start).text, "$HOME|a;b||");
}

TEST(CommandRunner, CommandCannotSpoilThePipeForTheNextOne) {
  const auto runner = make_runner();
  TextSink sink;
  runner->run(start_of("perl -e 'use Fcntl; fcntl(STDOUT, F_SETFL, O_NONBLOCK)'"), sink);
  runner->run(start_of("perl -e 'use Fcntl; print fcntl(STDOUT, F_GETFL, 0) & O_NONBLOCK'"), sink);
  EXPECT_EQ(sink.text, "0");
}

TEST(CommandRunner, AShortageAtTheStartIsNoFailure) {
  const auto runner = make_runner();
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const int next = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  ::close(next);
  const rlimit none{static_cast<rlim_t>(next), limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  std::thread later([&limit] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    ::setrlimit(RLIMIT_NOFILE, &limit);
  });
  TextSink sink;
  const Finished finished = runner->run(start_of("echo here"), sink);
  later.join();
  EXPECT_TRUE(finished.ending.success());
  EXPECT_EQ(sink.text, "here\n");
}

/// What nobody can tell from another command's may be this one's, and write on.
TEST(CommandRunner, OutputOfAStrangerDoesNotReachTheNextCommand) {
  std::thread other([&] {  // runs all the while, so that the stranger may be its
    TextSink sink;
    make_runner()->run(start_of("sleep 1"), sink);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto runner = make_runner();
  TextSink first, second;
  runner->run(start_of("env -i setsid sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 0.05; echo noise; "
                       "done' & exit 0"),
              first);
  runner->run(start_of("sleep 0.4; echo mine"), second);
  other.join();
  EXPECT_EQ(second.text, "mine\n");
}

TEST(CommandRunner, AccountsTimeAndMemory) {
  const Ran ran =
      run_line("perl -e '$x = q(y) x 200_000_000; $s = times; while (times - $s < 0.2) {}'");
  EXPECT_GT(ran.finished.cpu_seconds, 0.15);
  EXPECT_LT(ran.finished.cpu_seconds, 60);
  EXPECT_GE(ran.finished.ended, ran.finished.started + 0.15);
  EXPECT_GT(ran.finished.max_rss_kib, 190000u);
  EXPECT_LT(ran.finished.max_rss_kib, 1000000u);
}

TEST(CommandRunner, DoesNotTakeItsOwnMemoryForTheCommands) {
  std::string big(400 << 20, 'x');  // this process's peak is now above any `sleep`
  EXPECT_LT(run_line("/bin/sleep 1.2").finished.max_rss_kib, 20000u);
  EXPECT_EQ(big.back(), 'x');
}

TEST(CommandRunner, SetsTheOutOfMemoryScore) {
  RunnerOptions options;
  options.oom_score_adj = 500;
  EXPECT_EQ(run_start(start_of("/bin/cat /proc/self/oom_score_adj"), options).text, "500\n");
  EXPECT_NE(read_file("/proc/self/oom_score_adj").value(), "500\n");
}

TEST(CommandRunner, ExpendableGoesBeforeThisProcess) {
  const int ours = std::stoi(read_file("/proc/self/oom_score_adj").value());
  const auto said = run_start(start_of("/bin/cat /proc/self/oom_score_adj"), expendable()).text;
  EXPECT_EQ(said, std::to_string(std::min(ours + 500, 1000)) + "\n");
}

TEST(CommandRunner, CommandDiesWithTheThreadThatStartedIt) {
  EXPECT_EQ(run_line("perl -e 'require q(sys/ioctl.ph) if 0; my $b = pack(q(i), 0);"
                     " syscall(157, 2, $b); print unpack(q(i), $b)'")
                .text,
            "9")
      << "PR_GET_PDEATHSIG";
}

/// Runs commands one after the other; how many printed and ended as they should.
int run_many(int thread, int count) {
  const auto runner = make_runner();
  int right = 0;
  for (int i = 0; i < count; ++i) {
    Start start;
    const std::string word = std::to_string(thread) + "-" + std::to_string(i);
    start.line = i % 2 == 0 ? "/bin/echo " + word : "echo " + word + "; exit 3";
    start.extra = start.marks = {"MARK=" + word};
    TextSink sink;
    const Finished finished = runner->run(start, sink);
    right += sink.text == word + "\n" && finished.ending == exited(i % 2 == 0 ? 0 : 3) &&
             !finished.left_running;
  }
  return right;
}

TEST(CommandRunner, ManyThreadsRunManyCommands) {
  constexpr int kThreads = 8, kEach = 125;
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&right, t] { right += run_many(t, kEach); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, kThreads * kEach);
}

TEST(CommandRunner, TheMainThreadsCommandsAreNotTakenForOrphans) {
  std::atomic<int> right{0};
  std::thread other([&right] { right += run_many(100, 400); });
  right += run_many(101, 400);
  other.join();
  EXPECT_EQ(right, 800);
}

}  // namespace
}  // namespace mnp::cpu
