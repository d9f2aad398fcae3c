// Why a stage failed whose main node could not write it down: what it said on standard error.
#pragma once

#include <string>
#include <vector>

#include "launcher/run_folder.hpp"

namespace mnp::launcher {

/// The last errors that the main node of the stage's newest attempt logged, and what programs
/// other than ours wrote there; without times, the newest last. Nothing where there is no log.
std::vector<std::string> last_words(const RunFolder& run, const std::string& stage);

/// What to do about a store without room, in one line; "" while there is room.
std::string full_store(const RunFolder& run);

}  // namespace mnp::launcher
