#include "mnp/model/spec_values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <csignal>
#include <utility>

#include <fmt/format.h>

#include "mnp/core/files.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/command_list.hpp"

namespace mnp::model {

namespace {

bool is_name(std::string_view text, bool capitals) {
  if (text.empty() || text[0] == '-' || text[0] == '_') return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (capitals && c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_';
  });
}

/// An error about an unknown key that says where it belongs, or what was meant.
void unknown_key(SpecReader& reader, const YAML::Node& name, KeyPlace place,
                 std::string_view in_what, bool in_defaults) {
  const std::string& word = name.Scalar();
  const std::vector<std::string> names = key_names(place, in_defaults);
  const std::string what = fmt::format("unknown key '{}' in {}", word, in_what);
  if (const std::string near = nearest(word, names); !near.empty())
    return reader.errors.add(name.Mark(), what, "write " + near);
  if (place == KeyPlace::kStage && in_defaults && find_key(place, word) != nullptr)
    return reader.errors.add(name.Mark(), fmt::format("'{}' cannot stand in defaults", word),
                             "write it in the stage");
  if (place == KeyPlace::kStage && find_key(KeyPlace::kTop, word) != nullptr)
    return reader.errors.add(name.Mark(), what, "write it at the top of the file");
  if (place == KeyPlace::kTop && find_key(KeyPlace::kStage, word) != nullptr)
    return reader.errors.add(name.Mark(), what, "write it in a stage, or below defaults:");
  reader.errors.add(name.Mark(), what, "the keys are " + join(names, ", "));
}

struct SignalName {
  std::string_view name;
  int number;
};
constexpr std::array<SignalName, 10> kSignals = {{{"HUP", SIGHUP},
                                                  {"INT", SIGINT},
                                                  {"QUIT", SIGQUIT},
                                                  {"USR1", SIGUSR1},
                                                  {"USR2", SIGUSR2},
                                                  {"ALRM", SIGALRM},
                                                  {"TERM", SIGTERM},
                                                  {"CONT", SIGCONT},
                                                  {"WINCH", SIGWINCH},
                                                  {"XCPU", SIGXCPU}}};

/// A whole decimal number of a plain scalar, or of one that came from a parameter.
std::optional<int64_t> whole(std::string_view text) {
  const auto number = parse_integer(text);
  return number ? std::optional<int64_t>(*number) : std::nullopt;
}

std::optional<double> decimal(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() ||
      !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::optional<Value> type_signal(const std::string& text) {
  const size_t at = text.find('@');
  std::string_view name = std::string_view(text).substr(0, at);
  if (starts_with(name, "SIG")) name.remove_prefix(3);
  const auto* const found = std::find_if(kSignals.begin(), kSignals.end(),
                                         [&](const SignalName& each) { return each.name == name; });
  if (found == kSignals.end()) return std::nullopt;
  Value value{text, found->number, -1};
  if (at == std::string::npos) return value;
  const auto before = parse_duration(std::string_view(text).substr(at + 1));
  if (!before || before->count() == 0) return std::nullopt;
  value.number = static_cast<double>(before->count());
  return value;
}

std::optional<Value> type_allowance(const std::string& text) {
  if (!text.empty() && text.back() == '%') {
    const auto percent = decimal(std::string_view(text).substr(0, text.size() - 1));
    if (!percent || *percent < 0 || *percent > 100) return std::nullopt;
    return Value{text, 0, *percent};
  }
  const auto count = whole(text);
  if (!count || *count < 0) return std::nullopt;
  return Value{text, *count, 0};
}

std::optional<Value> type_bool(const std::string& text) {
  for (const std::string_view word : {"true", "True", "TRUE"})
    if (text == word) return Value{"true", 1};
  for (const std::string_view word : {"false", "False", "FALSE"})
    if (text == word) return Value{"false", 0};
  return std::nullopt;
}

std::optional<Value> type_choice(const Key& key, const std::string& text) {
  const auto choices = split(key.choices, '|');
  const auto found = std::find(choices.begin(), choices.end(), text);
  if (found == choices.end()) return std::nullopt;
  return Value{text, found - choices.begin()};
}

std::optional<Value> in_range(const Key& key, std::optional<int64_t> number) {
  if (!number || *number < key.least || *number > key.most) return std::nullopt;
  return Value{std::to_string(*number), *number};
}

/// The value of a kind that is more than text; nullopt: it is not one.
std::optional<Value> type_value(const Key& key, const std::string& text) {
  switch (key.kind) {
    case KeyKind::kInteger:
      return in_range(key, whole(text));
    case KeyKind::kNumber: {
      const auto number = decimal(text);
      if (!number || *number < static_cast<double>(key.least) ||
          *number > static_cast<double>(key.most))
        return std::nullopt;
      return Value{text, 0, *number};
    }
    case KeyKind::kBytes: {
      const auto bytes = parse_bytes(text);
      return in_range(key, bytes ? std::optional(static_cast<int64_t>(*bytes)) : std::nullopt);
    }
    case KeyKind::kDuration: {
      const auto time = parse_duration(text);
      return in_range(key, time ? std::optional<int64_t>(time->count()) : std::nullopt);
    }
    case KeyKind::kBool:
      return type_bool(text);
    case KeyKind::kCountOrBool: {
      const auto value = type_bool(text);
      return value ? value : in_range(key, whole(text));
    }
    case KeyKind::kChoice:
      return type_choice(key, text);
    case KeyKind::kSignal:
      return type_signal(text);
    case KeyKind::kAllowance:
      return type_allowance(text);
    case KeyKind::kName:
      return is_name(text, true) && text.size() <= kMaxName ? std::optional(Value{text})
                                                            : std::nullopt;
    case KeyKind::kStageName:
      return is_name(text, false) && text.size() <= kMaxName ? std::optional(Value{text})
                                                             : std::nullopt;
    default:
      return Value{text};
  }
}

bool needs_plain(const Key& key) {
  return key.kind == KeyKind::kInteger || key.kind == KeyKind::kNumber ||
         key.kind == KeyKind::kBool || key.kind == KeyKind::kCountOrBool;
}

/// What a message is about.
std::string subject(const SpecReader& reader, const Key& key) {
  return reader.entry.empty() ? fmt::format("'{}'", key.name) : reader.entry;
}

/// What to type where a value has the wrong shape.
std::string wanted(const SpecReader& reader, const Key& key) {
  return reader.entry.empty() ? expected(key) : expected_entry(key);
}

/// What to type instead of a value of the wrong kind or out of its range.
std::string remedy(const Key& key, const std::string& text) {
  if (key.kind == KeyKind::kChoice && text.size() >= kMinSlip)
    if (const std::string near = nearest(text, split(key.choices, '|')); !near.empty())
      return "write " + near;
  const auto limit = [&](bool over, const std::string& least, const std::string& most) {
    return fmt::format("write {} of at {} {}", expected(key), over ? "most" : "least",
                       over ? most : least);
  };
  if (key.kind == KeyKind::kDuration)
    if (const auto time = parse_duration(text))
      return limit(time->count() > key.most, duration_text(Milliseconds(key.least)),
                   duration_text(Milliseconds(key.most)));
  if (key.kind == KeyKind::kBytes)
    if (const auto bytes = parse_bytes(text))
      return limit(std::cmp_greater(*bytes, key.most), std::to_string(key.least),
                   format_bytes(static_cast<uint64_t>(key.most)));
  return "write " + expected(key);
}

}  // namespace

Entry::Entry(SpecReader& reader, const Key& key, size_t number) : reader_(reader) {
  reader.entry = fmt::format("entry {} of '{}'", number, key.name);
}
Entry::Entry(SpecReader& reader, const Key& key, const std::string& name) : reader_(reader) {
  reader.entry = fmt::format("'{}' of '{}'", name, key.name);
}

YAML::Mark mark_of(const Field& field) {
  return field.value.IsNull() || field.value.Mark().is_null() ? field.name.Mark()
                                                              : field.value.Mark();
}

std::vector<Field> read_fields(SpecReader& reader, const YAML::Node& mapping, KeyPlace place,
                               std::string_view in_what, bool in_defaults) {
  std::vector<Field> fields;
  std::map<std::string, int> lines;
  for (const auto& pair : mapping) {
    if (!pair.first.IsScalar()) {
      reader.errors.add(pair.first.Mark(),
                        fmt::format("a key is text, not {}", shape_of(pair.first)),
                        "write key: value");
      continue;
    }
    const std::string& name = pair.first.Scalar();
    const Key* const key = find_key(place, name);
    if (key == nullptr || (in_defaults && !key->in_defaults))
      unknown_key(reader, pair.first, place, in_what, in_defaults);
    else if (const auto [at, first] = lines.emplace(name, pair.first.Mark().line + 1); !first)
      reader.errors.add(pair.first.Mark(),
                        fmt::format("'{}' is there twice, first in line {}", name, at->second),
                        "keep one of the two");
    else
      fields.push_back({key, pair.first, pair.second});
  }
  return fields;
}

std::optional<std::string> replace_parameters(SpecReader& reader, std::string_view text, bool shell,
                                              const YAML::Mark& mark) {
  std::string out;
  while (!text.empty()) {
    const size_t start = text.find("${");
    out += text.substr(0, start);
    if (start == std::string_view::npos) break;
    text.remove_prefix(start);
    const size_t end = text.find('}');
    const std::string name(text.substr(2, end == std::string_view::npos ? end : end - 2));
    const auto found = reader.parameters.find(name);
    if (end != std::string_view::npos && found != reader.parameters.end()) {
      out += found->second;
      text.remove_prefix(end + 1);
    } else if (shell) {
      out += text.substr(0, 2);
      text.remove_prefix(2);
    } else if (has(reader.below, name)) {
      reader.errors.add(mark, fmt::format("parameter '{}' is declared further down", name),
                        "move it up");
      return std::nullopt;
    } else if (end == std::string_view::npos || !is_variable_name(name)) {
      reader.errors.add(mark, "'${' without a parameter's name and '}'", "write ${name}");
      return std::nullopt;
    } else {
      std::vector<std::string> names;
      for (const auto& each : reader.parameters) names.push_back(each.first);
      const std::string near = nearest(name, names);
      reader.errors.add(mark, fmt::format("no parameter '{}' is declared", name),
                        near.empty() ? fmt::format("add `parameters: {{{}: ...}}` at the top", name)
                                     : "write ${" + near + "}");
      return std::nullopt;
    }
  }
  return out;
}

void wrong_kind(SpecReader& reader, const Key& key, const YAML::Node& node,
                const YAML::Mark& mark) {
  reader.errors.add(mark, fmt::format("{} is {}", subject(reader, key), shape_of(node)),
                    "write " + wanted(reader, key));
}

std::optional<std::string> read_text(SpecReader& reader, const Key& key, const YAML::Node& node,
                                     const YAML::Mark& mark, bool may_be_empty) {
  if (node.IsNull() && may_be_empty) return std::string();
  if (!node.IsScalar()) {
    wrong_kind(reader, key, node, mark);
    return std::nullopt;
  }
  const bool shell =
      key.kind == KeyKind::kShell || key.kind == KeyKind::kCommands || key.kind == KeyKind::kEnv;
  auto text = replace_parameters(reader, node.Scalar(), shell, mark);
  if (!text) return std::nullopt;
  if (text->find('\0') != std::string::npos) {
    reader.errors.add(mark, subject(reader, key) + " holds a NUL byte", "remove it");
    return std::nullopt;
  }
  if (text->size() > kMaxLine && (key.kind == KeyKind::kShell || key.kind == KeyKind::kCommands)) {
    reader.errors.add(mark, fmt::format("{} has {} bytes", subject(reader, key), text->size()),
                      fmt::format("put it into a script; it may have {}", kMaxLine));
    return std::nullopt;
  }
  if (trim(*text).empty() && !may_be_empty) {
    reader.errors.add(mark, subject(reader, key) + " is empty", "write " + wanted(reader, key));
    return std::nullopt;
  }
  return text;
}

std::optional<Value> read_value(SpecReader& reader, const Field& field) {
  const Key& key = *field.key;
  const YAML::Mark mark = mark_of(field);
  auto text = read_text(reader, key, field.value, mark);
  if (!text) return std::nullopt;
  if (needs_plain(key) && !is_plain(field.value) && field.value.Scalar() == *text) {
    reader.errors.add(mark, subject(reader, key) + " is quoted text",
                      fmt::format("write {}, without quotes", expected(key)));
    return std::nullopt;
  }
  auto value = type_value(key, *text);
  if (!value)
    reader.errors.add(mark, fmt::format("{} cannot be '{}'", subject(reader, key), *text),
                      remedy(key, *text));
  return value;
}

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_variable_name(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool is_url(std::string_view text) {
  return starts_with(text, "s3://");
}

std::optional<std::string> read_path(SpecReader& reader, const std::string& text,
                                     const YAML::Mark& mark) {
  if (is_url(text)) return text;
  if (text.find("://") != std::string::npos) {
    reader.errors.add(mark, fmt::format("'{}' is no URL that mnp can read", text),
                      "write s3://BUCKET/KEY or a path");
    return std::nullopt;
  }
  if (starts_with(text, "~")) {
    reader.errors.add(mark, fmt::format("'~' in '{}' means nothing here", text),
                      "write the whole path, or ./~... for a file of that name");
    return std::nullopt;
  }
  fs::path path = (fs::path(reader.folder) / text).lexically_normal();
  if (!path.has_filename() && path != path.root_path()) path = path.parent_path();
  return path.string();
}

}  // namespace mnp::model
