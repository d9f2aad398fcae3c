#include "mnp/model/spec.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "mnp/core/files.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/spec_stage.hpp"

namespace mnp::model {

namespace {

constexpr size_t kMaxStages = 1000;

const Field* find_field(const std::vector<Field>& fields, std::string_view key) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const Field& field) { return field.key->name == key; });
  return found == fields.end() ? nullptr : &*found;
}

/// The file's name without its ending, as far as a name may have its letters.
std::string default_name(const std::string& file) {
  std::string name;
  for (const char c : fs::path(file).stem().string().substr(0, kMaxName))
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' ? c : '-';
  const size_t first = name.find_first_not_of("-_");
  return first == std::string::npos ? "pipeline" : name.substr(first);
}

/// The stages' mappings with their names; what has no good name is left out, with its error.
struct NamedStage {
  YAML::Node mapping;
  std::string name;
};

std::optional<std::string> stage_name(SpecReader& reader, const YAML::Node& mapping) {
  for (const auto& pair : mapping) {
    if (!pair.first.IsScalar() || pair.first.Scalar() != "name") continue;
    const auto value =
        read_value(reader, {find_key(KeyPlace::kStage, "name"), pair.first, pair.second});
    return value ? std::optional(value->text) : std::nullopt;
  }
  reader.errors.add(mapping.Mark(), "a stage without a name", "add name: and a name");
  return std::nullopt;
}

std::vector<NamedStage> name_stages(SpecReader& reader, const Field& field) {
  std::vector<NamedStage> named;
  if (!field.value.IsSequence() || field.value.size() == 0) {
    reader.errors.add(mark_of(field),
                      field.value.IsSequence()
                          ? "there are no stages"
                          : fmt::format("'stages' is {}", shape_of(field.value)),
                      "write " + expected(*field.key));
    return named;
  }
  if (field.value.size() > kMaxStages) {
    reader.errors.add(mark_of(field), fmt::format("more than {} stages", kMaxStages),
                      "split the pipeline");
    return named;
  }
  for (const auto& item : field.value) {
    if (!item.IsMap()) {
      reader.errors.add(item.Mark(),
                        fmt::format("a stage is a mapping, this is {}", shape_of(item)),
                        "write - name: and, below it, its other keys");
      continue;
    }
    const auto name = stage_name(reader, item);
    if (!name) continue;
    if (std::find(reader.stages.begin(), reader.stages.end(), *name) != reader.stages.end()) {
      reader.errors.add(item.Mark(), fmt::format("two stages are called '{}'", *name),
                        "give one of them another name");
      continue;
    }
    reader.stages.push_back(*name);
    named.push_back({item, *name});
  }
  return named;
}

std::vector<Field> read_defaults(SpecReader& reader, const Field* field) {
  if (field == nullptr) return {};
  if (!field->value.IsMap()) {
    wrong_kind(reader, *field->key, field->value, mark_of(*field));
    return {};
  }
  auto fields = read_fields(reader, field->value, KeyPlace::kStage, "defaults", true);
  check_defaults(reader, fields);
  return fields;
}

void read_store(SpecReader& reader, const Field& field, Spec& spec) {
  const auto value = read_value(reader, field);
  if (!value) return;
  spec.store = read_path(reader, value->text, mark_of(field)).value_or("");
}

void read_stages(SpecReader& reader, const std::vector<Field>& top, Spec& spec) {
  const Field* const field = find_field(top, "stages");
  if (field == nullptr) {
    reader.errors.add({}, "'stages' is missing",
                      "write stages: and, below it, one `- name:` a stage");
    return;
  }
  const auto named = name_stages(reader, *field);
  const auto defaults = read_defaults(reader, find_field(top, "defaults"));
  std::vector<ReadStage> stages;
  for (const NamedStage& stage : named) {
    stages.push_back(read_stage(reader, stage.mapping, stage.name, defaults));
    check_stage(reader, stages.back());
  }
  spec.stages = sort_stages(reader, stages);
}

std::string absolute(const fs::path& path) {
  return fs::absolute(path).lexically_normal().string();
}

}  // namespace

uint64_t AllowFailures::of(uint64_t total) const {
  if (percent <= 0) return count;
  // A millionth of a command more, so that 0.57 % of 10,000 is 57 in binary arithmetic too.
  return static_cast<uint64_t>(std::floor(static_cast<double>(total) * percent / 100 + 1e-6));
}

std::string duration_text(Milliseconds duration) {
  constexpr std::array<std::pair<std::string_view, int64_t>, 5> kUnits = {
      {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}}};
  std::string text;
  int64_t rest = duration.count();
  for (const auto& [unit, size] : kUnits) {
    if (rest >= size) text += fmt::format("{}{}", rest / size, unit);
    rest %= size;
  }
  return text.empty() ? "0s" : text;
}

std::vector<std::string> stages_before(const StageSpec& stage) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const Input& input : stage.inputs)
    if (input.from_stage) add(input.source);
  for (const std::string& name : stage.after) add(name);
  return names;
}

std::string Spec::place_key(const std::string& stage, std::string_view what,
                            const std::string& of) {
  return fmt::format("{} {} {}", stage, what, of);
}

std::string Spec::place_of(const std::string& stage, std::string_view what,
                           const std::string& of) const {
  const auto found = places.find(place_key(stage, what, of));
  return found == places.end() ? "stage " + stage : found->second;
}

Result<Spec> parse_spec(std::string_view text, const std::string& file,
                        const std::map<std::string, std::string>& set) {
  SpecErrors errors(file);
  const auto root = load_mapping(text, errors);
  if (!root) return fail(errors.error());

  Spec spec;
  spec.folder = fs::path(absolute(file)).parent_path().string();
  SpecReader reader{errors, spec.folder, {}, {}, {}, {}, {}};
  const auto top = read_fields(reader, *root, KeyPlace::kTop, "the pipeline");
  read_parameters(reader, find_field(top, "parameters"), set);
  spec.parameters = reader.parameters;
  spec.name = default_name(file);
  if (const Field* const name = find_field(top, "name"))
    if (const auto value = read_value(reader, *name)) spec.name = value->text;
  if (const Field* const store = find_field(top, "store")) read_store(reader, *store, spec);
  read_stages(reader, top, spec);
  if (!errors.empty()) return fail(errors.error());
  spec.places = std::move(reader.places);
  return spec;
}

Result<Spec> read_spec(const std::string& file, const std::map<std::string, std::string>& set) {
  const auto text = read_file(file, kMaxSpecBytes);
  if (!text)
    return fail(text.error().code,
                fmt::format("cannot read the pipeline file: {}; give the path of a YAML file",
                            text.error().text));
  auto spec = parse_spec(*text, file, set);
  if (spec) spec->text = *text;
  return spec;
}

Spec spec_of_list(const std::string& list_path, uint32_t nodes, std::optional<uint32_t> cpus) {
  Spec spec;
  spec.name = default_name(list_path);
  spec.folder = fs::current_path().string();
  StageSpec stage;
  stage.name = "main";
  stage.nodes = nodes;
  stage.cpus = cpus;
  stage.cwd = spec.folder;
  stage.commands.path = is_url(list_path) ? list_path : absolute(list_path);
  spec.stages.push_back(std::move(stage));
  return spec;
}

}  // namespace mnp::model
