#include "keeper_agent.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <sstream>

#include "mnp/core/files.hpp"
#include "mnp/node/keeper_link.hpp"
#include "waiting.hpp"

namespace mnp::node {
namespace {

constexpr int kLeft = 3;  // processes that `leave` leaves

struct Agent {
  fs::path folder;
  KeeperLink link;
  int incarnation;
  int number;  // the second word of what to do

  LeaseTime now() const { return clock_of_test().now(); }
  void note(const std::string& name, const std::string& text = "") const {
    (void)create_file_once(folder / name, text);
  }
  void note_incarnation(const std::string& text) const {
    note("incarnation-" + std::to_string(incarnation), text);
  }
  [[noreturn]] void finish(int status) {
    link.finished(status);
    ::_exit(1);  // what counts is what was said
  }
};

std::vector<pid_t> noted(const fs::path& folder) {
  std::vector<pid_t> pids;
  const auto names = list_folder(folder);
  if (!names) ::_exit(97);  // the test is over
  for (const std::string& name : *names)
    if (name.rfind("pid-", 0) == 0) pids.push_back(std::atoi(name.c_str() + 4));
  return pids;
}

void wait_for_notes(const fs::path& folder, size_t count) {
  (void)eventually([&] { return noted(folder).size() == count; });
}

[[noreturn]] void sleep_for_ever() {
  for (;;) ::pause();
}

[[noreturn]] void die(int signal) {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
  ::_exit(99);
}

/// A child, a grandchild in a session of its own whose parent has gone, and one that no friendly
/// signal ends.
void leave(const Agent& agent) {
  const auto stay = [&] {
    agent.note("pid-" + std::to_string(::getpid()));
    sleep_for_ever();
  };
  if (::fork() == 0) stay();
  if (::fork() == 0) {
    ::setsid();
    if (::fork() == 0) stay();
    ::_exit(0);
  }
  if (::fork() == 0) {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) ::signal(signal, SIG_IGN);
    stay();
  }
  wait_for_notes(agent.folder, static_cast<size_t>(kLeft * agent.incarnation));
}

void do_leave(Agent& agent) {
  int alive = 0;
  for (const pid_t pid : noted(agent.folder)) alive += lives_for(agent.folder, pid) ? 1 : 0;
  agent.note_incarnation(std::to_string(alive) + " alive");
  leave(agent);
  die(SIGKILL);
}

void do_leave_and_wait(Agent& agent) {
  leave(agent);
  agent.note("ready");
  sleep_for_ever();
}

void do_orphans(Agent& agent) {
  const pid_t parent = ::fork();
  if (parent == 0) {
    const pid_t self = ::getpid();
    for (int i = 0; i < 20; ++i) {
      if (::fork() != 0) continue;
      (void)eventually([&] { return ::getppid() != self; });
      agent.note("pid-" + std::to_string(::getpid()));
      ::_exit(0);
    }
    ::_exit(0);
  }
  ::waitpid(parent, nullptr, 0);
  wait_for_notes(agent.folder, 20);
  agent.note("ready");
  sleep_for_ever();
}

void do_key(Agent& agent) {
  const auto key = agent.link.kept_key();
  agent.note_incarnation(key ? *key : "no key");
  if (agent.incarnation == 3) agent.finish(5);
  if (!key) agent.link.keep_key(kAgentKey);
  die(SIGKILL);
}

/// Says once how long it may live, and nothing more; the fourth ends in order. Each notes how many
/// milliseconds after the deadline of the one before it was there.
void do_silent(Agent& agent) {
  const auto file = [&](const char* what, int incarnation) {
    return what + ("-" + std::to_string(incarnation));
  };
  const auto before = read_file(agent.folder / file("deadline", agent.incarnation - 1));
  if (before) {
    const LeaseTime deadline{nanoseconds(std::stoll(*before))};
    const auto late = std::chrono::duration_cast<Milliseconds>(agent.now() - deadline);
    agent.note(file("late", agent.incarnation), std::to_string(late.count()));
  }
  agent.note_incarnation("");
  if (agent.incarnation == 4) agent.finish(5);
  leave(agent);
  const LeaseTime deadline = agent.now() + Milliseconds(agent.number);
  agent.note(file("deadline", agent.incarnation),
             std::to_string(deadline.time_since_epoch().count()));
  agent.link.set_deadline(deadline);
  sleep_for_ever();
}

void do_freeze(Agent& agent) {
  leave(agent);
  agent.link.set_deadline(agent.now() + Milliseconds(agent.number));
  ::raise(SIGSTOP);
}

void do_beats(Agent& agent) {
  agent.link.set_deadline(agent.now() + Milliseconds(3000));
  agent.link.set_deadline(agent.now() + std::chrono::hours(1));
  std::this_thread::sleep_for(Milliseconds(3300));
  agent.finish(6);
}

char state_of(pid_t pid) {
  const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  return stat ? (*stat)[stat->rfind(')') + 2] : '?';
}

/// Freezes its keeper, holds one short lease after another meanwhile, thaws it in the middle of a
/// long one. More of them than any socket holds.
void do_freeze_keeper(Agent& agent) {
  const pid_t keeper = ::getppid();
  ::kill(keeper, SIGSTOP);
  if (!eventually([&] { return state_of(keeper) == 'T'; })) ::_exit(96);
  for (int i = 0; i < 5000; ++i) agent.link.set_deadline(agent.now() + Milliseconds(1));
  std::this_thread::sleep_for(Milliseconds(50));
  agent.link.set_deadline(agent.now() + std::chrono::hours(1));
  ::kill(keeper, SIGCONT);
  std::this_thread::sleep_for(Milliseconds(500));  // the keeper looks at once
  agent.finish(6);
}

/// With a second agent no deadline of the first may count.
void do_live_on(Agent& agent) {
  if (agent.incarnation == 1) {
    agent.link.set_deadline(agent.now() + Milliseconds(100));
    die(SIGKILL);
  }
  std::this_thread::sleep_for(Milliseconds(1500));
  agent.finish(agent.incarnation);
}

/// Lets go of its link long before it ends.
void do_close_link(Agent& agent) {
  agent.link.finished(8);
  { const KeeperLink gone = std::move(agent.link); }
  agent.note("ready");
  sleep_for_ever();
}

/// Dies `number` times under a suspect, then without one.
void do_suspect(Agent& agent) {
  agent.link.set_suspect(true);
  if (agent.incarnation > agent.number) agent.link.set_suspect(false);
  die(SIGKILL);
}

/// Neither a signal nor its keeper's patience is of any use.
void do_deaf(Agent& agent) {
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  leave(agent);
  if (agent.number > 0) agent.link.finished(agent.number);
  agent.note("ready");
  sleep_for_ever();
}

void do_wait_for_signal(Agent& agent) {
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  agent.note("ready");
  int signal = 0;
  ::sigwait(&all, &signal);
  agent.finish(100 + signal);
}

const std::map<std::string, std::function<void(Agent&)>>& deeds() {
  static const std::map<std::string, std::function<void(Agent&)>> table = {
      {"finish", [](Agent& agent) { agent.finish(agent.number); }},
      {"finish-and-die",
       [](Agent& agent) {
         agent.link.finished(agent.number);
         die(SIGKILL);
       }},
      {"finish-and-hang",
       [](Agent& agent) {
         agent.link.finished(agent.number);
         agent.link.set_deadline(agent.now() + Milliseconds(200));
         for (;;) ::pause();
       }},
      {"die", [](Agent& agent) { die(agent.number); }},
      {"exit", [](Agent& agent) { ::_exit(agent.number); }},
      {"key", do_key},
      {"orphans", do_orphans},
      {"leave", do_leave},
      {"leave-and-wait", do_leave_and_wait},
      {"silent", do_silent},
      {"freeze", do_freeze},
      {"beats", do_beats},
      {"freeze-keeper", do_freeze_keeper},
      {"live-on", do_live_on},
      {"close-link", do_close_link},
      {"wait-for-signal", do_wait_for_signal},
      {"suspect", do_suspect},
      {"deaf", do_deaf},
  };
  return table;
}

}  // namespace

LeaseClock clock_of_test() {
  const char* wanted = std::getenv(kAgentClock);
  const bool counted = wanted != nullptr && std::string(wanted) == "counted";
  return LeaseClock(counted ? LeaseClock::Sleep::kCounted : LeaseClock::Sleep::kLost);
}

bool lives_for(const std::string& folder, pid_t pid) {
  const auto words = read_file("/proc/" + std::to_string(pid) + "/cmdline");
  return words && words->find(folder) != std::string::npos;  // a dead one has none
}

void play_agent(int argc, char** argv) {
  std::istringstream words(argv[2]);
  std::string deed;
  int number = 0, link = -1, page = -1, incarnation = 0;
  words >> deed >> number;
  for (int i = 4; i + 1 < argc; ++i) {
    if (std::string(argv[i]) == "--link") link = std::atoi(argv[i + 1]);
    if (std::string(argv[i]) == "--page") page = std::atoi(argv[i + 1]);
    if (std::string(argv[i]) == "--incarnation") incarnation = std::atoi(argv[i + 1]);
  }
  ::fcntl(link, F_SETFD, FD_CLOEXEC);
  auto shared = LeasePage::open(Fd(page));
  if (!shared) ::_exit(95);
  Agent agent{argv[3], KeeperLink(Fd(link), std::move(*shared)), incarnation, number};
  agent.note("agent-" + std::to_string(::getpid()));
  if (deed != "leave" && deed != "key" && deed != "silent") agent.note_incarnation("");
  deeds().at(deed)(agent);
  ::_exit(98);
}

}  // namespace mnp::node
