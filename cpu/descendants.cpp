#include "cpu/descendants.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>
#include <unordered_set>

#include "cpu/proc_table.hpp"

namespace mnp::cpu {
namespace {

using namespace std::chrono_literals;
constexpr int kMaxRounds = 1000;  // of stopping; each finds what was forked during the last

/// Stops the roots and all below them until a round finds nothing that was not stopped before.
std::vector<pid_t> stop_all(const std::vector<pid_t>& roots, TimePoint deadline) {
  std::vector<pid_t> order;
  std::unordered_set<pid_t> stopped;
  // One round at least: what is late is stopped all the same.
  for (int round = 0; round < kMaxRounds && (round == 0 || Clock::now() < deadline); ++round) {
    const size_t before = order.size();
    std::vector<pid_t> open = roots;
    ChildrenWalk children;
    while (!open.empty()) {
      const pid_t pid = open.back();
      open.pop_back();
      if (stopped.insert(pid).second) {
        ::kill(pid, SIGSTOP);
        order.push_back(pid);
      }
      for (const pid_t child : children.of(pid)) open.push_back(child);
    }
    if (order.size() == before) break;
  }
  return order;
}

/// Reaps every child that has ended; false when there is no child at all.
bool reap_some() {
  while (true) {
    const pid_t pid = ::waitpid(-1, nullptr, WNOHANG);
    if (pid == 0) return true;
    if (pid < 0 && errno != EINTR) return false;
  }
}

bool is_gone(pid_t pid) {
  const auto info = read_process(pid);
  return !info || info->state == 'Z' || info->state == 'X';
}

}  // namespace

std::vector<pid_t> descendants_of(pid_t root) {
  ChildrenWalk children;
  std::vector<pid_t> found = children.of(root);
  std::unordered_set<pid_t> known(found.begin(), found.end());
  for (size_t i = 0; i < found.size(); ++i)
    for (const pid_t child : children.of(found[i]))
      if (known.insert(child).second) found.push_back(child);
  return found;
}

void kill_trees(const std::vector<pid_t>& roots, TimePoint deadline) {
  for (const pid_t pid : stop_all(roots, deadline)) ::kill(pid, SIGKILL);
}

Status end_tree(pid_t root, TimePoint deadline) {
  const std::vector<pid_t> all = stop_all({root}, deadline);
  for (const pid_t pid : all) ::kill(pid, SIGKILL);
  size_t left = 0;
  do {
    ::waitpid(root, nullptr, WNOHANG);
    left = 0;
    for (const pid_t pid : all) left += is_gone(pid) ? 0 : 1;
    if (left == 0) return {};
    std::this_thread::sleep_for(1ms);
  } while (Clock::now() < deadline);
  return fail(Code::kTimeout, std::to_string(left) + " of " + std::to_string(all.size()) +
                                  " processes are still there after SIGKILL");
}

Status end_descendants(TimePoint deadline) {
  // What dies hands its children to this process, so the walk starts anew until nobody is left.
  while (reap_some()) {
    kill_trees(children_of(::getpid()), deadline);
    for (int i = 0; i < 20 && reap_some(); ++i) std::this_thread::sleep_for(500us);
    if (Clock::now() >= deadline) {
      if (!reap_some()) break;
      return fail(Code::kTimeout, std::to_string(descendants_of(::getpid()).size()) +
                                      " processes are still there after SIGKILL");
    }
  }
  return {};
}

}  // namespace mnp::cpu
