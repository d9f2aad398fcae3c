// The program `mnp`: parses, acts, prints errors.
#pragma once

#include <string>

namespace mnp::launcher {

/// A line on standard error; nothing where that cannot be written.
void tell(const std::string& line);

/// Parses, acts, prints errors; returns the exit status of the program.
int run_cli(int argc, char** argv);

}  // namespace mnp::launcher
