// The subcommands of `tomo`, one file each. A subcommand that was given sets the action.
#pragma once

#include <functional>

#include <CLI/CLI.hpp>

#include "examples/tomography/scan.hpp"

namespace tomo {

using Action = std::function<Status()>;

void add_phantom(CLI::App& app, Action& action);
void add_list(CLI::App& app, Action& action);
void add_normalize(CLI::App& app, Action& action);
void add_filter(CLI::App& app, Action& action);
void add_center(CLI::App& app, Action& action);
void add_backproject(CLI::App& app, Action& action);
void add_view(CLI::App& app, Action& action);

/// --size --angles --rows --offset --seed
void add_phantom_options(CLI::App& command, PhantomOptions& options);
/// --scan FOLDER, and the phantom's options for when it is absent or empty.
void add_scan_options(CLI::App& command, ScanSource& source);

}  // namespace tomo
