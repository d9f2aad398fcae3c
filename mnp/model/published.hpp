// Whether what a stage has published is still there: journals are believed, not listings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mnp/model/command_list.hpp"
#include "mnp/model/ownership.hpp"
#include "mnp/model/plan.hpp"

namespace mnp::model {

/// A file below a stage's results/ that is not as the journal says.
struct WrongFile {
  std::string path;
  uint64_t bytes = 0;             // as published
  std::optional<uint64_t> found;  // nullopt: it is not there
};

inline constexpr size_t kMaxWrongFiles = 10000;  // that are gathered

/// Looks for every file of the last success of each command, and for every reduced array, and at
/// its size. Another size is right where the command was started again after that success: a later
/// start's file takes its place.
Result<std::vector<WrongFile>> find_wrong_files(Store& store, const StageKeys& stage,
                                                const CommandList& list);

/// Paths below results/ that no kept success names: starts whose record was never kept may have
/// published them. None where a journal is damaged, which may have named them. kStore where none is
/// there at all.
Result<std::vector<std::string>> find_unkept_files(Store& store, const StageKeys& stage);

/// "3 files that stage a has published are not as it left them: x.npy is missing, y.npy has 3 bytes
/// of 8, and 1 more; put them back, or ..."
std::string wrong_files_text(const std::string& stage, const std::vector<WrongFile>& wrong);

/// kConfig with that text where there are wrong files.
Status check_published(Store& store, const RunKeys& run, const StagePlan& stage);

}  // namespace mnp::model
