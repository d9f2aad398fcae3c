// The agent that the keeper's tests start: this program again, with kAgentWord as first argument.
#pragma once

#include <sys/types.h>

#include <string>

#include "mnp/core/clock.hpp"

namespace mnp::node {

inline constexpr char kAgentWord[] = "play-agent";
inline constexpr char kFirstProcessWord[] = "play-first-process";
inline constexpr char kAgentKey[] =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// `argv` as the keeper makes it: a name, kAgentWord, what to do, a folder for notes, the keeper's
/// own arguments. Notes are files: "agent-PID", "incarnation-N", "pid-PID" for what it leaves.
[[noreturn]] void play_agent(int argc, char** argv);

/// The agent's lease has the clock that this variable of the environment names: "counted", or else
/// the one that stands still while the machine sleeps.
inline constexpr char kAgentClock[] = "KEEPER_TEST_CLOCK";
LeaseClock clock_of_test();

/// Whether `pid` is a living process that was started for this folder.
bool lives_for(const std::string& folder, pid_t pid);

}  // namespace mnp::node
