// Values of the pipeline file that are lists and mappings.
#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "mnp/core/files.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/command_list.hpp"
#include "mnp/model/spec_values.hpp"

namespace mnp::model {

namespace {

constexpr size_t kMaxInputName = 128;

bool is_input_name(std::string_view text) {
  if (text.empty() || text.size() > kMaxInputName || text == "." || text == "..") return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '+' || c == '=';
  });
}

/// The mapping's pairs with text keys, each key once; `expected` of the key for anything else.
std::vector<std::pair<YAML::Node, YAML::Node>> read_pairs(SpecReader& reader, const Field& field) {
  std::vector<std::pair<YAML::Node, YAML::Node>> pairs;
  if (!field.value.IsMap()) {
    wrong_kind(reader, *field.key, field.value, mark_of(field));
    return pairs;
  }
  std::set<std::string> seen;
  for (const auto& pair : field.value) {
    if (!pair.first.IsScalar()) {
      reader.errors.add(pair.first.Mark(),
                        fmt::format("a name in '{}' is {}", field.key->name, shape_of(pair.first)),
                        "write " + expected(*field.key));
    } else if (!seen.insert(pair.first.Scalar()).second) {
      reader.errors.add(pair.first.Mark(), fmt::format("'{}' is there twice", pair.first.Scalar()),
                        "keep one of the two");
    } else {
      pairs.emplace_back(pair.first, pair.second);
    }
  }
  return pairs;
}

YAML::Mark value_mark(const YAML::Node& name, const YAML::Node& value) {
  return mark_of(Field{nullptr, name, value});
}

/// An entry's position; the list's where the entry is empty and has none.
YAML::Mark entry_mark(const Field& field, const YAML::Node& item) {
  return item.Mark().is_null() ? mark_of(field) : item.Mark();
}

void unknown_stage(SpecReader& reader, const std::string& name, const YAML::Mark& mark,
                   bool may_be_path) {
  const std::string near = name.size() < kMinSlip ? "" : nearest(name, reader.stages);
  std::string remedy = near.empty() ? "" : "write " + near;
  if (may_be_path)
    remedy += fmt::format("{}./{} for a file or folder", near.empty() ? "write " : ", or ", name);
  if (remedy.empty()) remedy = "the stages are " + join(reader.stages, ", ");
  reader.errors.add(mark, fmt::format("there is no stage '{}'", name), remedy);
}

/// `source` is a stage where there is one of this name, else a path or URL. A bare word of a list
/// must be a stage; one of a mapping may be a path unless it looks like a slip in a stage's name.
std::optional<Input> read_source(SpecReader& reader, const std::string& source, bool named,
                                 const YAML::Mark& mark) {
  if (has(reader.stages, source)) return Input{source, source, true, false};
  const bool bare = source.find_first_of("/.") == std::string::npos;
  const bool slip = source.size() >= kMinSlip && !nearest(source, reader.stages).empty();
  if (bare && (!named || slip)) {
    unknown_stage(reader, source, mark, true);
    return std::nullopt;
  }
  const auto path = read_path(reader, source, mark);
  if (!path) return std::nullopt;
  std::string_view rest = *path;
  while (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  const size_t slash = rest.rfind('/');
  return Input{std::string(rest.substr(slash == std::string_view::npos ? 0 : slash + 1)), *path,
               false, false};
}

void add_input(SpecReader& reader, std::vector<ReadInput>& inputs, std::optional<Input> input,
               const std::string& source, const YAML::Mark& mark, const YAML::Mark& name) {
  if (!input) return;
  if (!is_input_name(input->name)) {
    reader.errors.add(name, fmt::format("'{}' cannot be the name of an input", input->name),
                      "write a mapping such as {scan: " + source + "}");
    return;
  }
  inputs.push_back({std::move(*input), mark});
}

}  // namespace

std::vector<ReadInput> read_inputs(SpecReader& reader, const Field& field) {
  std::vector<ReadInput> inputs;
  if (field.value.IsSequence()) {
    size_t number = 0;
    for (const auto& item : field.value) {
      const Entry entry(reader, *field.key, ++number);
      const YAML::Mark mark = entry_mark(field, item);
      const auto source = read_text(reader, *field.key, item, mark, true);
      if (source && !source->empty())
        add_input(reader, inputs, read_source(reader, *source, false, mark), *source, mark, mark);
    }
    return inputs;
  }
  for (const auto& [name, value] : read_pairs(reader, field)) {
    const Entry entry(reader, *field.key, name.Scalar());
    const YAML::Mark mark = value_mark(name, value);
    const auto source = read_text(reader, *field.key, value, mark, true);
    if (!source || source->empty()) continue;
    auto input = read_source(reader, *source, true, mark);
    if (input) input->name = name.Scalar();
    add_input(reader, inputs, std::move(input), *source, mark, name.Mark());
  }
  return inputs;
}

namespace {

std::vector<std::string> read_lines(SpecReader& reader, const Field& field) {
  std::vector<std::string> lines;
  for (const auto& item : field.value) {
    const Entry entry(reader, *field.key, lines.size() + 1);
    const YAML::Mark mark = entry_mark(field, item);
    auto line = read_text(reader, *field.key, item, mark).value_or("true");  // to count the next
    while (!line.empty() && line.back() == '\n') line.pop_back();
    if (line.find('\n') != std::string::npos)
      reader.errors.add(mark, "a command of several lines",
                        "join them with ; or && or put them into a script");
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

CommandSource read_commands(SpecReader& reader, const Field& field) {
  CommandSource source;
  const YAML::Mark mark = mark_of(field);
  if (field.value.IsMap()) {
    bool found = false;
    for (const Field& inner : read_fields(reader, field.value, KeyPlace::kCommands, "commands")) {
      found = true;
      if (auto text = read_text(reader, *inner.key, inner.value, mark_of(inner)))
        source.from = std::move(*text);
    }
    if (!found) reader.errors.add(mark, "'commands' lacks 'from'", "write " + expected(*field.key));
  } else if (field.value.IsSequence()) {
    if (field.value.size() == 0)
      reader.errors.add(mark, "'commands' is an empty list", "write a command line in it");
    source.lines = read_lines(reader, field);
  } else {
    const Key path_key{
        .name = field.key->name, .place = field.key->place, .kind = KeyKind::kPath, .doc = {}};
    const bool scalar = field.value.IsScalar();
    if (!scalar) wrong_kind(reader, *field.key, field.value, mark);
    const auto text = scalar ? read_text(reader, path_key, field.value, mark) : std::nullopt;
    if (const auto path = text ? read_path(reader, *text, mark) : std::nullopt) source.path = *path;
  }
  return source;
}

std::optional<Reduce> read_reduce(SpecReader& reader, const Field& field) {
  if (!field.value.IsMap()) {
    wrong_kind(reader, *field.key, field.value, mark_of(field));
    return std::nullopt;
  }
  Reduce reduce;
  bool has_match = false;
  for (const Field& inner : read_fields(reader, field.value, KeyPlace::kReduce, "reduce")) {
    if (inner.key->name == "match") has_match = true;
    const auto value = read_value(reader, inner);
    if (!value) continue;
    if (inner.key->name == "op") {
      reduce.op = static_cast<ReduceOp>(value->integer);
    } else if (starts_with(value->text, "/") || value->text.find("..") != std::string::npos) {
      reader.errors.add(mark_of(inner), "'match' leaves $MNP_RESULTS",
                        "write a glob below it such as slices/*.npy");
    } else {
      reduce.match = value->text;
    }
  }
  if (!has_match)
    reader.errors.add(mark_of(field), "'reduce' lacks 'match'", "write " + expected(*field.key));
  return reduce;
}

std::optional<int64_t> read_retry(SpecReader& reader, const Field& field) {
  if (!field.value.IsMap()) {
    wrong_kind(reader, *field.key, field.value, mark_of(field));
    return std::nullopt;
  }
  const auto fields = read_fields(reader, field.value, KeyPlace::kRetry, "retry");
  if (fields.empty())
    reader.errors.add(mark_of(field), "'retry' lacks 'attempts'", "write " + expected(*field.key));
  for (const Field& inner : fields)
    if (const auto value = read_value(reader, inner)) return value->integer;
  return std::nullopt;
}

std::vector<int> read_statuses(SpecReader& reader, const Field& field) {
  std::vector<int> statuses;
  if (!field.value.IsSequence()) {
    wrong_kind(reader, *field.key, field.value, mark_of(field));
    return statuses;
  }
  const Key item_key{.name = field.key->name,
                     .place = field.key->place,
                     .kind = KeyKind::kInteger,
                     .doc = {},
                     .least = field.key->least,
                     .most = field.key->most};
  size_t number = 0;
  for (const auto& item : field.value) {
    const Entry entry(reader, *field.key, ++number);
    if (const auto value = read_value(reader, {&item_key, item, item}))
      statuses.push_back(static_cast<int>(value->integer));
  }
  if (field.value.size() == 0)
    reader.errors.add(mark_of(field), fmt::format("'{}' is an empty list", field.key->name),
                      "write " + expected(*field.key) + ", or remove it for any status");
  return statuses;
}

std::vector<std::string> read_stage_list(SpecReader& reader, const Field& field) {
  std::vector<std::string> names;
  if (!field.value.IsSequence()) {
    wrong_kind(reader, *field.key, field.value, mark_of(field));
    return names;
  }
  size_t number = 0;
  for (const auto& item : field.value) {
    const Entry entry(reader, *field.key, ++number);
    const YAML::Mark mark = entry_mark(field, item);
    const auto name = read_text(reader, *field.key, item, mark);
    if (!name) continue;
    if (!has(reader.stages, *name))
      unknown_stage(reader, *name, mark, false);
    else if (!has(names, *name))
      names.push_back(*name);
  }
  return names;
}

std::map<std::string, std::string> read_env(SpecReader& reader, const Field& field) {
  std::map<std::string, std::string> env;
  for (const auto& [name, value] : read_pairs(reader, field)) {
    const std::string& variable = name.Scalar();
    const Entry entry(reader, *field.key, variable);
    auto text = read_text(reader, *field.key, value, value_mark(name, value), true);
    if (!is_variable_name(variable))
      reader.errors.add(name.Mark(), fmt::format("'{}' is no name of a variable", variable),
                        "write letters, digits and _");
    else if (starts_with(variable, "AWS_BATCH_") || starts_with(variable, "MNP_"))
      reader.errors.add(
          name.Mark(),
          fmt::format("'{}': names that start with AWS_BATCH_ and MNP_ are taken", variable),
          "write another name");
    else if (text && variable.size() + 1 + text->size() > kMaxLine)
      reader.errors.add(value_mark(name, value),
                        fmt::format("'{}' of 'env' has {} bytes", variable, text->size()),
                        fmt::format("write a file and put its name here; name and value may have "
                                    "{} together",
                                    kMaxLine - 1));
    else if (text)
      env[variable] = std::move(*text);
  }
  return env;
}

const std::vector<std::string>& limit_names() {
  static const std::vector<std::string> names = {
      "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue", "nice",
      "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack"};
  return names;
}

std::string read_limits(SpecReader& reader, const Field& field) {
  std::vector<std::string> limits;
  for (const auto& [name, value] : read_pairs(reader, field)) {
    const Entry entry(reader, *field.key, name.Scalar());
    const YAML::Mark mark = value_mark(name, value);
    if (!has(limit_names(), name.Scalar())) {
      const std::string near = nearest(name.Scalar(), limit_names());
      reader.errors.add(
          name.Mark(), fmt::format("there is no limit '{}'", name.Scalar()),
          near.empty() ? "the limits are " + join(limit_names(), ", ") : "write " + near);
      continue;
    }
    const auto text = read_text(reader, *field.key, value, mark);
    if (!text) continue;
    auto parts = split(*text, ':');
    if (parts.size() == 1) parts.push_back(parts[0]);
    bool good = parts.size() == 2;
    for (std::string& part : parts) {
      if (part == "unlimited") part = "-1";
      const auto number = parse_integer(part);
      good = good && number && *number >= -1;
    }
    if (good)
      limits.push_back(name.Scalar() + "=" + join(parts, ":"));
    else
      reader.errors.add(mark, fmt::format("'{}' cannot be '{}'", name.Scalar(), *text),
                        "write a number, unlimited, or \"soft:hard\"");
  }
  return join(limits, " ");
}

void read_parameters(SpecReader& reader, const Field* field,
                     const std::map<std::string, std::string>& set) {
  if (field != nullptr) {
    const auto pairs = read_pairs(reader, *field);
    for (const auto& [name, value] : pairs) reader.below.push_back(name.Scalar());
    for (const auto& [name, value] : pairs) {
      reader.below.erase(reader.below.begin());
      if (!is_variable_name(name.Scalar())) {
        reader.errors.add(name.Mark(), fmt::format("'{}' is no name of a parameter", name.Scalar()),
                          "write letters, digits and _");
        continue;
      }
      const Entry entry(reader, *field->key, name.Scalar());
      const auto given = set.find(name.Scalar());
      auto text = given != set.end()
                      ? std::optional(given->second)
                      : read_text(reader, *field->key, value, value_mark(name, value), true);
      reader.parameters[name.Scalar()] = text.value_or("");
    }
  }
  std::vector<std::string> names;
  for (const auto& each : reader.parameters) names.push_back(each.first);
  for (const auto& [name, value] : set) {
    if (has(names, name)) continue;
    const std::string near = nearest(name, names);
    reader.errors.add(field == nullptr ? YAML::Mark() : field->name.Mark(),
                      fmt::format("--set {}: no parameter of this name is declared", name),
                      near.empty() ? fmt::format("add `parameters: {{{}: ...}}` to the file", name)
                                   : fmt::format("write --set {}={}", near, value));
  }
}

}  // namespace mnp::model
