// The environment of a local node: Batch's variables, the job's, and what stands for a container.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mnp/core/files.hpp"
#include "mnp/model/batch.hpp"

namespace mnp::launcher {

struct LocalNode {
  fs::path bin;  // folder of mnp's programs, put in front of PATH
  std::string job;
  uint32_t attempt = 1;
  uint32_t index = 0;
  std::string address, main_address;
  fs::path scratch, lock;
};

/// NAME=value. Of this process's own variables, AWS_BATCH_* and MNP_* stay behind, MNP_LOG
/// and MNP_PORT excepted.
std::vector<std::string> node_environment(const model::SubmitJob& request, const LocalNode& node);

/// Start of the name of a job's scratch folders: short, because Unix sockets below it have at
/// most 107 bytes of path, and still found again when `mnp run` could not remove them.
std::string scratch_prefix(const std::string& run, const std::string& job);

}  // namespace mnp::launcher
