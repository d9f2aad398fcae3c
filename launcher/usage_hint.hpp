// Usage errors that say what to type instead.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace mnp::launcher {

/// The whole message. `words` are the command line's without the program.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error,
                        const std::vector<std::string>& words);

}  // namespace mnp::launcher
