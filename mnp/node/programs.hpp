// Where programs are found, and the environment that they inherit.
#pragma once

#include <string>
#include <vector>

#include "mnp/core/result.hpp"

namespace mnp::node {

/// `mnp-rsh` and `mnp-rank` lie beside this program; else on PATH. kConfig says where they should be.
Result<std::string> find_program_of_ours(const std::string& name);
/// kConfig when no folder of PATH has it.
Result<std::string> find_on_path(const std::string& name);
/// This process's environment, as entries "NAME=value".
std::vector<std::string> own_environment();

}  // namespace mnp::node
