#include "mnp/model/spec_stage.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "mnp/core/text.hpp"

namespace mnp::model {

namespace {

using Setter = void (*)(StageSpec&, const Value&);

uint32_t small(const Value& value) {
  return static_cast<uint32_t>(value.integer);
}
Milliseconds time(const Value& value) {
  return Milliseconds(value.integer);
}

/// Where the scalar of each key goes; keys of AWS alone go into StageSpec::aws.
const std::map<std::string_view, Setter>& setters() {
  using S = StageSpec;
  using V = const Value&;
  static const std::map<std::string_view, Setter> table = {
      {"name", [](S& s, V v) { s.name = v.text; }},
      {"nodes", [](S& s, V v) { s.nodes = small(v); }},
      {"min_nodes", [](S& s, V v) { s.min_nodes = small(v); }},
      {"min_alive", [](S& s, V v) { s.min_alive = small(v); }},
      {"stage_inputs", [](S& s, V v) { s.stage_inputs = v.integer != 0; }},
      {"program", [](S& s, V v) { s.program = v.text; }},
      {"ranks_per_node", [](S& s, V v) { s.ranks_per_node = small(v); }},
      {"restarts", [](S& s, V v) { s.restarts = small(v); }},
      {"setup", [](S& s, V v) { s.setup = v.text; }},
      {"cpus", [](S& s, V v) { s.cpus = small(v); }},
      {"memory", [](S& s, V v) { s.memory = static_cast<uint64_t>(v.integer); }},
      {"gpus", [](S& s, V v) { s.gpus = small(v); }},
      {"slots", [](S& s, V v) { s.slots = small(v); }},
      {"timeout", [](S& s, V v) { s.timeout = time(v); }},
      {"warn_signal",
       [](S& s, V v) {
         s.warn_signal = static_cast<int>(v.integer);
         s.warn_before = Milliseconds(static_cast<int64_t>(v.number));  // -1: not said
       }},
      {"tries", [](S& s, V v) { s.tries = small(v); }},
      {"order", [](S& s, V v) { s.order = static_cast<Order>(v.integer); }},
      {"distribution", [](S& s, V v) { s.distribution = static_cast<Distribution>(v.integer); }},
      {"on_failure", [](S& s, V v) { s.on_failure = static_cast<OnFailure>(v.integer); }},
      {"allow_failures",
       [](S& s, V v) {
         s.allow_failures = {static_cast<uint64_t>(v.integer), v.number};
       }},
      {"max_output", [](S& s, V v) { s.max_output = static_cast<uint64_t>(v.integer); }},
      {"stage_timeout", [](S& s, V v) { s.stage_timeout = time(v); }},
      {"stall_timeout", [](S& s, V v) { s.stall_timeout = time(v); }},
      {"join_timeout", [](S& s, V v) { s.join_timeout = time(v); }},
      {"lease", [](S& s, V v) { s.lease = time(v); }},
      {"beat", [](S& s, V v) { s.beat = time(v); }},
  };
  return table;
}

void apply_inputs(SpecReader& reader, StageSpec& spec, const Field& field) {
  for (auto& [input, mark] : read_inputs(reader, field)) {
    const auto same = [&name = input.name](const Input& other) { return other.name == name; };
    if (std::any_of(spec.inputs.begin(), spec.inputs.end(), same)) {
      reader.errors.add(mark, fmt::format("two inputs are called '{}'", input.name),
                        "write a mapping and give one of them another name");
      continue;
    }
    reader.places[Spec::place_key(spec.name, "input", input.name)] = reader.errors.at(mark);
    input.broadcast = field.key->name == "broadcast";
    spec.inputs.push_back(std::move(input));
  }
}

void apply(SpecReader& reader, StageSpec& spec, const Field& field) {
  switch (field.key->kind) {
    case KeyKind::kInputs:
      return apply_inputs(reader, spec, field);
    case KeyKind::kCommands:
      spec.commands = read_commands(reader, field);
      reader.places[Spec::place_key(spec.name, "commands")] = reader.errors.at(mark_of(field));
      return;
    case KeyKind::kReduce:
      spec.reduce = read_reduce(reader, field);
      return;
    case KeyKind::kStatuses:
      spec.retry_on = read_statuses(reader, field);
      return;
    case KeyKind::kStageList:
      spec.after = read_stage_list(reader, field);
      return;
    case KeyKind::kRetry:
      if (const auto attempts = read_retry(reader, field))
        spec.retry_attempts = static_cast<uint32_t>(*attempts);
      return;
    case KeyKind::kEnv:
      for (auto& [name, value] : read_env(reader, field)) spec.env[name] = value;
      return;
    case KeyKind::kLimits:
      spec.aws[std::string(field.key->name)] = read_limits(reader, field);
      return;
    default:
      break;
  }
  const auto value = read_value(reader, field);
  if (!value) return;
  if (field.key->kind == KeyKind::kFolder) {
    if (const auto path = read_path(reader, value->text, mark_of(field))) spec.cwd = *path;
    reader.places[Spec::place_key(spec.name, "cwd")] = reader.errors.at(mark_of(field));
  } else if (field.key->applies == KeyApplies::kAws) {
    spec.aws[std::string(field.key->name)] = value->text;
  } else {
    const auto setter = setters().find(field.key->name);
    MNP_ASSERT(setter != setters().end(), "a key of the pipeline file that nothing stores");
    setter->second(spec, *value);
  }
}

/// Defaults that depend on other keys.
void complete(SpecReader& reader, StageSpec& spec, bool has_lease, bool has_beat) {
  if (spec.cwd.empty()) spec.cwd = reader.folder;
  if (has_lease && !has_beat) spec.beat = std::max(spec.lease / 5, Milliseconds(10));
  if (spec.warn_signal && spec.timeout && spec.warn_before.count() < 0)
    spec.warn_before = std::min(Milliseconds(30000), *spec.timeout / 2);
  std::vector<std::string> after;
  for (const std::string& stage : spec.after) {
    const auto same = [&](const Input& input) { return input.from_stage && input.source == stage; };
    if (std::none_of(spec.inputs.begin(), spec.inputs.end(), same)) after.push_back(stage);
  }
  spec.after = std::move(after);
}

bool fits(const Key& key, bool is_program) {
  return key.stage == KeyStage::kAny || (key.stage == KeyStage::kProgram) == is_program;
}

bool has_key(const std::vector<Field>& fields, std::string_view key) {
  return std::any_of(fields.begin(), fields.end(),
                     [&](const Field& field) { return field.key->name == key; });
}

}  // namespace

const Field* ReadStage::find(std::string_view key) const {
  const auto found = std::find_if(own.begin(), own.end(),
                                  [&](const Field& field) { return field.key->name == key; });
  return found == own.end() ? nullptr : &*found;
}

ReadStage read_stage(SpecReader& reader, const YAML::Node& mapping, const std::string& name,
                     const std::vector<Field>& defaults) {
  ReadStage stage;
  stage.mark = mapping.Mark();
  stage.own = read_fields(reader, mapping, KeyPlace::kStage, fmt::format("stage '{}'", name));
  stage.spec.name = name;
  const bool is_program = has_key(stage.own, "program");
  for (const Field& field : defaults) {
    const bool merged = field.key->kind == KeyKind::kEnv;
    if (fits(*field.key, is_program) && (merged || !has_key(stage.own, field.key->name)))
      apply(reader, stage.spec, field);
  }
  for (const Field& field : stage.own)
    if (field.key->name != "name") apply(reader, stage.spec, field);
  complete(reader, stage.spec, has_key(stage.own, "lease") || has_key(defaults, "lease"),
           has_key(stage.own, "beat") || has_key(defaults, "beat"));
  return stage;
}

void check_defaults(SpecReader& reader, const std::vector<Field>& defaults) {
  StageSpec scratch;
  for (const Field& field : defaults) apply(reader, scratch, field);
}

}  // namespace mnp::model
