// `mnp validate FILE`: is the pipeline file right, and are its lists?
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "launcher/commands.hpp"
#include "launcher/planning.hpp"
#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

Result<model::Spec> validate(const ValidateOptions& options) {
  MNP_TRY(auto spec, read_pipeline(options.pipeline));
  std::vector<std::string> errors;
  for (const Status& each : {check_inputs(spec), check_working_folders(spec), check_lists(spec)})
    if (!each) errors.push_back(each.error().text);
  if (errors.empty()) return spec;
  return fail(Code::kConfig, join(errors, "\n"));
}

}  // namespace

Result<int> run(const ValidateOptions& options) {
  const auto spec = validate(options);
  nlohmann::ordered_json json;
  json["valid"] = spec.has_value();
  if (!spec) {
    if (!options.json) return fail(spec.error());
    json["errors"] = split(spec.error().text, '\n');
  } else {
    json["name"] = spec->name;
    json["stages"] = nlohmann::ordered_json::array();
    for (const auto& stage : spec->stages) json["stages"].push_back(stage.name);
  }
  if (options.json)
    fmt::print("{}\n", json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  else
    fmt::print("{}: good; {} stage{}\n", options.pipeline.file, spec->stages.size(),
               spec->stages.size() == 1 ? "" : "s");
  return spec ? 0 : code_info(spec.error().code).exit_status;
}

}  // namespace mnp::launcher
