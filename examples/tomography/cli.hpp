// What can be typed after `tomo`. The one source that includes CLI11, which takes 10 s to compile.
#pragma once

namespace tomo {

/// Parses, acts, prints errors; returns the exit status of the program.
int run_cli(int argc, char** argv);

}  // namespace tomo
