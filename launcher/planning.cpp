#include "launcher/planning.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "launcher/run_store.hpp"
#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

/// A plan is JSON, which has no other bytes.
Status check_utf8(const std::string& what, const std::string& text) {
  const size_t good = utf8_prefix(text);
  if (good == text.size()) return {};
  return fail(Code::kUsage, fmt::format("{} {}...: byte {} is not UTF-8; give it a name that is",
                                        what, text.substr(0, good), good + 1));
}

Result<std::map<std::string, std::string>> read_set(const std::vector<std::string>& words) {
  std::map<std::string, std::string> set;
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(Code::kUsage, fmt::format("--set {}: type --set NAME=VALUE", word));
    MNP_CHECK(check_utf8("--set", word));
    set[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return set;
}

void cap_nodes(model::StageSpec& stage, uint32_t most) {
  stage.nodes = std::min(stage.nodes, most);
  stage.min_alive = std::min(stage.min_alive, stage.nodes);
  if (stage.min_nodes) stage.min_nodes = std::min(*stage.min_nodes, stage.nodes);
}

Status keep_only(model::Spec& spec, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& stage : spec.stages) names.push_back(stage.name);
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    const std::string near = nearest(name, names);
    return fail(Code::kUsage, fmt::format("--only {}: no such stage; {}", name,
                                          near.empty() ? "there are " + join(names, ", ")
                                                       : "do you mean " + near + "?"));
  }
  model::StageSpec stage = spec.stages[static_cast<size_t>(found - names.begin())];
  for (const model::Input& input : stage.inputs)
    if (input.from_stage)
      return fail(Code::kUsage,
                  fmt::format("--only {}: it reads what stage {} publishes, and a new run has none "
                              "of that; type `mnp resume RUN --only {}` in a run that has",
                              name, input.source, name));
  stage.after.clear();
  spec.stages = {std::move(stage)};
  return {};
}

Result<model::Spec> read_list(const PipelineOptions& options) {
  if (!options.set.empty())
    return fail(Code::kUsage, "--set belongs to a pipeline file; leave it out with --commands");
  if (!options.only.empty())
    return fail(Code::kUsage, "--only belongs to a pipeline file; --commands is one stage");
  const std::string named = options.commands == "-" ? "/dev/stdin" : options.commands;
  const fs::path path = named.find("://") == std::string::npos
                            ? fs::absolute(named).lexically_normal()
                            : fs::path(named);
  MNP_CHECK(check_utf8("the command list", path.string()));
  model::Spec spec = model::spec_of_list(path.string(), options.nodes.value_or(1), options.cpus);
  model::StageSpec& stage = spec.stages.front();
  stage.tries = options.tries.value_or(stage.tries);
  if (options.timeout.empty()) return spec;
  const auto timeout = parse_duration(options.timeout);
  if (!timeout || timeout->count() <= 0)
    return fail(Code::kUsage, fmt::format("--timeout {}: type a duration such as 30s, 10m or 1h30m",
                                          options.timeout));
  stage.timeout = *timeout;
  return spec;
}

/// An error in a line of a list file names that line, any other the list's place in the pipeline.
Error at_list(const model::Spec& spec, const model::StageSpec& stage, const Error& error) {
  const std::string& path = stage.commands.path;
  const bool in_line = !path.empty() && starts_with(error.text, path + ":") &&
                       error.text.size() > path.size() + 1 &&
                       std::isdigit(static_cast<unsigned char>(error.text[path.size() + 1])) != 0;
  return in_line ? error : error.within(spec.place_of(stage.name, "commands"));
}

}  // namespace

Result<model::Spec> read_pipeline(const PipelineOptions& options) {
  if (options.file.empty() == options.commands.empty())
    return fail(Code::kUsage, options.file.empty()
                                  ? "name a pipeline FILE, or a list with --commands LIST"
                                  : "a pipeline FILE and --commands exclude each other");
  if (!options.commands.empty()) return read_list(options);
  for (const auto& [given, key] :
       {std::pair(options.cpus.has_value(), "cpus"), std::pair(options.tries.has_value(), "tries"),
        std::pair(!options.timeout.empty(), "timeout")})
    if (given)
      return fail(
          Code::kUsage,
          fmt::format("--{0} belongs to --commands; a pipeline file has the key `{0}`", key));
  MNP_TRY(const auto set, read_set(options.set));
  auto spec = model::read_spec(options.file, set);
  if (!spec) return fail(Code::kConfig, spec.error().text);
  MNP_CHECK(check_utf8("the pipeline's folder", spec->folder));
  if (!options.only.empty()) MNP_CHECK(keep_only(*spec, options.only));
  if (options.nodes)
    for (auto& stage : spec->stages) cap_nodes(stage, *options.nodes);
  return spec;
}

namespace {

/// What is wrong with where an input comes from; "".
Result<std::string> wrong_source(const std::string& source) {
  if (!aws::is_s3(source)) {
    std::error_code error;
    if (fs::exists(source, error)) return "";
    return fmt::format(
        "there is no file or folder {}; write the path of one, s3://BUCKET/KEY, or a "
        "stage's name",
        source);
  }
  MNP_TRY(aws::S3Place place, aws::S3Place::parse(source));
  MNP_TRY(aws::S3 s3, s3_session().s3());
  const bool folder = place.key.empty() || place.key.back() == '/';
  if (!folder && s3.head(place)) return "";
  if (!folder) place.key += '/';
  const auto page = s3.list(place);
  if (!page) return page.error().text;
  return page->objects.empty() ? fmt::format("nothing lies at {}", source) : "";
}

}  // namespace

Status check_inputs(const model::Spec& spec) {
  std::vector<std::string> errors;
  for (const auto& stage : spec.stages)
    for (const model::Input& input : stage.inputs) {
      if (input.from_stage) continue;
      const auto wrong = wrong_source(input.source);
      const std::string text = wrong ? *wrong : wrong.error().text;
      if (!text.empty())
        errors.push_back(
            fmt::format("{}: {}", spec.place_of(stage.name, "input", input.name), text));
    }
  if (errors.empty()) return {};
  return fail(Code::kConfig, join(errors, "\n"));
}

Status check_lists(const model::Spec& spec) {
  std::vector<std::string> errors;
  for (const auto& stage : spec.stages)
    if (const auto good = check_commands(stage); !good)
      errors.push_back(at_list(spec, stage, good.error()).text);
  if (errors.empty()) return {};
  return fail(Code::kConfig, join(errors, "\n"));
}

std::string aws_keys(const model::Spec& spec) {
  std::vector<std::string> keys;
  for (const auto& stage : spec.stages)
    for (const auto& [key, value] : stage.aws)
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  return join(keys, ", ");
}

Status check_working_folders(const model::Spec& spec) {
  std::error_code error;
  for (const auto& stage : spec.stages)
    if (model::stages_before(stage).empty() && !fs::is_directory(stage.cwd, error))
      return fail(Code::kConfig,
                  fmt::format("{}: there is no folder {}; name the one that commands start in",
                              spec.place_of(stage.name, "cwd"), stage.cwd));
  return {};
}

Result<PlannedRun> make_plan(const model::Spec& spec, const fs::path& bin) {
  MNP_CHECK(check_inputs(spec));
  MNP_CHECK(check_working_folders(spec));
  PlannedRun planned;
  planned.plan.run = model::make_run_id(spec.name);
  planned.plan.name = spec.name;
  planned.plan.folder = spec.folder;
  for (const model::StageSpec& stage : spec.stages) {
    ResolvedList list;
    if (stage.program.empty()) {
      auto resolved = resolve_commands(stage, spec.folder, bin);
      if (!resolved) return fail(at_list(spec, stage, resolved.error()));
      list = std::move(*resolved);
    }
    planned.plan.stages.push_back({stage, list.commands, model::stages_before(stage)});
    planned.lists.push_back(std::move(list));
  }
  return planned;
}

uint32_t most_nodes(const model::Plan& plan) {
  uint32_t most = 1;
  for (const auto& stage : plan.stages) most = std::max(most, stage.spec.nodes);
  return most;
}

fs::path program_folder() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path("/usr/bin") : self.parent_path();
}

}  // namespace mnp::launcher
