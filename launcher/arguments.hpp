// What can be typed after `mnp`. CLI11 takes a source 10 s to compile, so that few include it.
#pragma once

#include <functional>

#include <CLI/CLI.hpp>

#include "mnp/core/result.hpp"

namespace mnp::launcher {

/// What the command line asks for; the value is the exit status.
using Action = std::function<Result<int>()>;

/// Adds every command; the one that is typed sets `action`.
void add_commands(CLI::App& app, Action& action);

}  // namespace mnp::launcher
