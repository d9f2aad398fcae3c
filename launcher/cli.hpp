// The program `mnp`: its commands, its usage errors, its exit statuses.
#pragma once

#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "mnp/core/result.hpp"

namespace mnp::launcher {

/// What the command line asks for; the value is the exit status.
using Action = std::function<Result<int>()>;

// Each adds one command, which sets `action` when it is the one typed (cmd_<name>.cpp).
void add_validate(CLI::App& app, Action& action);
void add_plan(CLI::App& app, Action& action);
void add_run(CLI::App& app, Action& action);
void add_status(CLI::App& app, Action& action);
void add_logs(CLI::App& app, Action& action);
void add_stop(CLI::App& app, Action& action);
void add_resume(CLI::App& app, Action& action);
void add_list(CLI::App& app, Action& action);
void add_rm(CLI::App& app, Action& action);
void add_s3(CLI::App& app, Action& action);

/// The options that several commands share.
void add_store_option(CLI::App& command, std::string& store);
void add_run_argument(CLI::App& command, std::string& run);
struct PipelineOptions;
void add_pipeline_options(CLI::App& command, PipelineOptions& options);

/// A line on standard error; nothing where that cannot be written.
void tell(const std::string& line);

/// Parses, acts, prints errors; returns the exit status of the program.
int run_cli(int argc, char** argv);

}  // namespace mnp::launcher
