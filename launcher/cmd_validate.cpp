// `mnp validate FILE`: is the pipeline file right, and are its lists?
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "launcher/cli.hpp"
#include "launcher/planning.hpp"
#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

struct Options {
  PipelineOptions pipeline;
  bool json = false;
};

Result<model::Spec> validate(const Options& options) {
  MNP_TRY(auto spec, read_pipeline(options.pipeline));
  std::vector<std::string> errors;
  for (const Status& each : {check_inputs(spec), check_working_folders(spec), check_lists(spec)})
    if (!each) errors.push_back(each.error().text);
  if (errors.empty()) return spec;
  return fail(Code::kConfig, join(errors, "\n"));
}

Result<int> run(const Options& options) {
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

}  // namespace

void add_validate(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("validate", "check a pipeline file, its inputs and its lists");
  command->add_option("FILE", options->pipeline.file, "pipeline file")->type_name("")->required();
  command->add_option("--set", options->pipeline.set, "value of a parameter of the file")
      ->type_name("KEY=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  command->add_flag("--json", options->json, "{valid, name, stages} or {valid, errors}");
  command->footer("Runs no program of `from`.\n\nExamples:\n  mnp validate pipeline.yaml");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace mnp::launcher
