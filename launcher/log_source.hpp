// Where a run's output lies: streams of commands' output, and files of what nodes said.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "launcher/run_folder.hpp"

namespace mnp::launcher {

/// Attempts' folders of a stage (store keys), in the order in which they were begun.
Result<std::vector<std::string>> attempt_folders(const RunFolder& run, const std::string& stage);

/// Prefixes of the streams of commands' output of a stage ("<attempt>/output/node-0003.1"), of one
/// node if given, oldest attempt first.
Result<std::vector<std::string>> output_streams(const RunFolder& run, const std::string& stage,
                                                std::optional<uint32_t> node);

/// "<attempt>" of such a prefix.
std::string attempt_of_stream(const std::string& stream);

/// Log files of a stage's nodes ("<attempt>/log/node-0003.log"), likewise.
Result<std::vector<fs::path>> node_logs(const RunFolder& run, const std::string& stage,
                                        std::optional<uint32_t> node);

}  // namespace mnp::launcher
