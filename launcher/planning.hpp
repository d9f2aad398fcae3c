// From the operator's words to a plan: file or list, --set, --nodes, --only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "launcher/command_source.hpp"
#include "mnp/model/plan.hpp"

namespace mnp::launcher {

/// What `run`, `plan` and `validate` take.
struct PipelineOptions {
  std::string file;               // pipeline file; empty with `commands`
  std::string commands;           // --commands LIST: a pipeline of one stage
  std::vector<std::string> set;   // KEY=VALUE
  std::optional<uint32_t> nodes;  // caps every stage; with `commands` its number of nodes
  std::optional<uint32_t> cpus;   // with `commands`, as the next two
  std::optional<uint32_t> tries;
  std::string timeout;  // a duration; empty: none
  std::string only;     // --only STAGE
};

/// Parses and checks the file, or makes the pipeline of --commands; caps nodes, applies --only.
Result<model::Spec> read_pipeline(const PipelineOptions& options);

/// kConfig for inputs that are not there, or lie where this build does not read: one a line, as
/// `file:line:column: what; what to type`.
Status check_inputs(const model::Spec& spec);
/// The same for the lists of all stages; runs no `from`.
Status check_lists(const model::Spec& spec);
/// Of stages that begin at once: an earlier one may make those of others.
Status check_working_folders(const model::Spec& spec);

/// Keys of the stages that only AWS knows, each once: "queue, image"; "" when there are none.
std::string aws_keys(const model::Spec& spec);

/// A plan with its lists, in the stages' order (empty lists for programs).
struct PlannedRun {
  model::Plan plan;
  std::vector<ResolvedList> lists;
};
Result<PlannedRun> make_plan(const model::Spec& spec, const fs::path& bin);

/// Nodes of the largest stage.
uint32_t most_nodes(const model::Plan& plan);

/// The folder of this program and its companions.
fs::path program_folder();

}  // namespace mnp::launcher
