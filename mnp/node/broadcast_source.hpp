// Where an input that main reads for all nodes really lies.
#pragma once

#include <string>
#include <system_error>

#include "mnp/core/files.hpp"
#include "mnp/core/result.hpp"

namespace mnp::node {

/// The absolute path that an input's link leads to. kConfig: nothing is there, or may be read;
/// kStore: that could not be found out, which another attempt may not meet.
Result<std::string> broadcast_source(const fs::path& link);
/// Which of the two it is.
Code code_of_missing(const std::error_code& error);

}  // namespace mnp::node
