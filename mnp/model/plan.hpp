// What will run: the spec made concrete, with the jobs in order. Written as plan.json into the
// run folder, and read by every node; no program looks at the pipeline file again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mnp/core/result.hpp"
#include "mnp/core/store.hpp"
#include "mnp/model/command_list.hpp"
#include "mnp/model/ownership.hpp"
#include "mnp/model/spec.hpp"

namespace mnp::model {

struct StagePlan {
  StageSpec spec;
  uint64_t commands = 0;           // lines to run; 0 for a program
  std::vector<std::string> after;  // every stage that must have succeeded first, by name
};

struct Plan {
  std::string run;   // run id
  std::string name;  // pipeline's name
  std::string folder;
  std::vector<StagePlan> stages;
  const StagePlan* find(const std::string& stage) const;
};

/// A list that is an object of the store.
Result<CommandList> open_list(Store& store, const std::string& key);
/// By a copy below `scratch` where the store is a folder: who edits the list there changes nothing
/// for its reader.
Result<CommandList> open_list_copy(Store& store, const std::string& key, const fs::path& scratch);
/// The run's own copy of the stage's list; a program is a list of one.
Result<CommandList> open_list(Store& store, const RunKeys& run, const StagePlan& stage);

/// Stable and documented (docs/plan.md): {"run","name","folder","stages":[{...}]}, durations in
/// milliseconds, sizes in bytes. `plan_from_json` accepts exactly what `plan_to_json` writes.
std::string plan_to_json(const Plan& plan);
Result<Plan> plan_from_json(std::string_view text);

/// `reconstruction-20260131-142501-k3f9`: name, UTC time, four random characters.
std::string make_run_id(const std::string& name);
/// The pipeline's name in a run's id; empty where the id is too short to hold one.
std::string_view pipeline_of_run(std::string_view id);

}  // namespace mnp::model
