// Commands per second: CommandRunner, one thread a slot, against the bare loop of vfork and execve
// with as many in flight. No journal and no store: what starting and ending a command costs.
//
//   dispatch_loop [COMMANDS [SLOTS [REPEATS]]]
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "cpu/command_runner.hpp"
#include "cpu/output_stream.hpp"
#include "mnp/core/fd.hpp"

extern char** environ;

namespace {

using namespace mnp;

struct Sizes {
  int commands = 3000, slots = 2, repeats = 7;
};

struct Sample {
  double rate = 0;     // commands per second
  double own_cpu = 0;  // seconds of CPU of this process, per command
};

double own_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

template <class Work>
Sample measure(int commands, Work work) {
  const double cpu = own_cpu_seconds();
  const TimePoint begun = Clock::now();
  work();
  const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  return {commands / seconds, (own_cpu_seconds() - cpu) / commands};
}

/// A function of its own: what vfork's child shares must not be the loop's variables.
[[gnu::noinline]] void vfork_and_execute(char** argv) {
  if (::vfork() == 0) {
    ::execve(argv[0], argv, environ);
    ::_exit(127);
  }
}

/// Its commands' output goes to /dev/null.
void bare_loop(const Sizes& sizes, const std::vector<std::string>& words) {
  std::fflush(stdout);
  const Fd output(::dup(1)), nowhere(::open("/dev/null", O_WRONLY));
  ::dup2(nowhere.get(), 1);
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  for (int started = 0, ended = 0; ended < sizes.commands;) {
    if (started < sizes.commands && started - ended < sizes.slots) {
      ++started;
      vfork_and_execute(argv.data());
    } else if (::waitpid(-1, nullptr, 0) > 0) {
      ++ended;
    }
  }
  ::dup2(output.get(), 1);
}

std::vector<std::string> extra_of(int index, int slot) {
  return {"MNP_COMMAND_INDEX=" + std::to_string(index), "MNP_TRY=1",
          "MNP_SLOT=" + std::to_string(slot), "AWS_BATCH_JOB_ARRAY_INDEX=" + std::to_string(index),
          "MNP_RESULTS=/tmp/results"};
}

void runner_loop(const Sizes& sizes, const std::string& line) {
  static const auto orphans = cpu::Orphans::create().value();
  const auto base = std::make_shared<std::vector<std::string>>();
  for (char** entry = environ; *entry; ++entry) base->push_back(*entry);
  cpu::OutputStream stream;
  std::atomic<int> next{0};
  std::vector<std::thread> threads;
  for (int slot = 0; slot < sizes.slots; ++slot)
    threads.emplace_back([&, slot] {
      const auto runner = cpu::CommandRunner::create(orphans).value();
      for (int index; (index = next++) < sizes.commands;) {
        cpu::Start start;
        start.line = line;
        start.base = base;
        start.extra = extra_of(index, slot);
        start.marks = {start.extra[0], start.extra[1]};
        start.cwd = "/tmp";
        cpu::CommandOutput output(stream, CommandIndex(static_cast<uint32_t>(index)), 1);
        if (!runner->run(start, output).ending.success()) std::abort();
        if (stream.pending_bytes() > (1 << 20)) stream.take();
      }
    });
  for (std::thread& thread : threads) thread.join();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void print(const char* name, const std::vector<Sample>& samples,
           const std::vector<double>& ratios) {
  std::vector<double> rates, cpu;
  for (const Sample& sample : samples) {
    rates.push_back(sample.rate);
    cpu.push_back(sample.own_cpu * 1e6);
  }
  std::printf("  %-28s %7.0f /s  (%.0f - %.0f)  own CPU %5.1f us", name, median(rates),
              *std::min_element(rates.begin(), rates.end()),
              *std::max_element(rates.begin(), rates.end()), median(cpu));
  if (!ratios.empty())
    std::printf("  ratio %.3f (%.3f - %.3f)", median(ratios),
                *std::min_element(ratios.begin(), ratios.end()),
                *std::max_element(ratios.begin(), ratios.end()));
  std::printf("\n");
}

void compare(const Sizes& sizes, const std::string& title, const std::vector<std::string>& words,
             const std::string& line) {
  std::vector<Sample> bare, ours;
  std::vector<double> ratios;
  for (int i = 0; i < sizes.repeats; ++i) {
    bare.push_back(measure(sizes.commands, [&] { bare_loop(sizes, words); }));
    ours.push_back(measure(sizes.commands, [&] { runner_loop(sizes, line); }));
    ratios.push_back(ours.back().rate / bare.back().rate);
  }
  std::printf("%s\n", title.c_str());
  print("bare vfork + execve", bare, {});
  print("CommandRunner", ours, ratios);
}

}  // namespace

int main(int argc, char** argv) {
  Sizes sizes;
  if (argc > 1) sizes.commands = std::atoi(argv[1]);
  if (argc > 2) sizes.slots = std::atoi(argv[2]);
  if (argc > 3) sizes.repeats = std::atoi(argv[3]);
  if (sizes.commands < 1 || sizes.slots < 1 || sizes.repeats < 1) {
    std::fprintf(stderr, "usage: dispatch_loop [COMMANDS [SLOTS [REPEATS]]]\n");
    return 2;
  }
  utsname system{};
  ::uname(&system);
  std::printf("Linux %s, %ld processors; %d commands, %d in flight, median of %d (min - max)\n",
              system.release, ::sysconf(_SC_NPROCESSORS_ONLN), sizes.commands, sizes.slots,
              sizes.repeats);
  compare(sizes, "/bin/true", {"/bin/true"}, "/bin/true");
  compare(sizes, "/bin/echo word", {"/bin/echo", "word"}, "/bin/echo word");
  compare(sizes, "/bin/true; through sh -c", {"/bin/sh", "-c", "/bin/true;"}, "/bin/true;");
}
