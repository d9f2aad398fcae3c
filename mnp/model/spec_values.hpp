// Typed values of the pipeline file: parameters replaced, kind and range checked by spec_keys.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mnp/model/spec.hpp"
#include "mnp/model/spec_document.hpp"
#include "mnp/model/spec_keys.hpp"

namespace mnp::model {

/// What every reader needs. Each returns nullopt (or leaves the value out) after it has added to
/// `errors` what is wrong.
struct SpecReader {
  SpecErrors& errors;
  std::string folder;                             // of the pipeline file, absolute
  std::map<std::string, std::string> parameters;  // declared so far
  std::vector<std::string> stages;                // names of all stages
  std::vector<std::string> below;                 // parameters whose value is not known yet
  std::map<std::string, std::string> places;      // Spec::places
  std::string entry;                              // "entry 3 of 'inputs'", while one is read
};

/// While it lives, messages are about one entry of a list or mapping, not about its key.
class Entry {
 public:
  Entry(SpecReader& reader, const Key& key, size_t number);  // from 1
  Entry(SpecReader& reader, const Key& key, const std::string& name);
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  ~Entry() { reader_.entry.clear(); }

 private:
  SpecReader& reader_;
};

/// One `key: value` of a mapping; `key` is never null.
struct Field {
  const Key* key = nullptr;
  YAML::Node name, value;
};

/// One scalar, by kind: `text` as written (canonical for an AWS key), `integer` the number, bytes,
/// milliseconds, bool, position of the choice or signal; `number` of kNumber and of a percentage.
struct Value {
  std::string text;
  int64_t integer = 0;
  double number = 0;
};

/// The known keys of a mapping; unknown and doubled ones become errors. `in_what` is for messages:
/// "the pipeline", "a stage".
std::vector<Field> read_fields(SpecReader& reader, const YAML::Node& mapping, KeyPlace place,
                               std::string_view in_what, bool in_defaults = false);

/// `${name}` replaced. With `shell`, names that nobody declared are left to the shell.
std::optional<std::string> replace_parameters(SpecReader& reader, std::string_view text, bool shell,
                                              const YAML::Mark& mark);

/// The scalar's text after replacement; an empty one is an error but where `may_be_empty`.
std::optional<std::string> read_text(SpecReader& reader, const Key& key, const YAML::Node& node,
                                     const YAML::Mark& mark, bool may_be_empty = false);
std::optional<Value> read_value(SpecReader& reader, const Field& field);

inline constexpr size_t kMinSlip = 5;  // bytes; shorter words are near to everything

bool has(const std::vector<std::string>& names, std::string_view name);
/// [A-Za-z_][A-Za-z0-9_]*: parameters and environment variables.
bool is_variable_name(std::string_view text);
bool is_url(std::string_view text);
/// An absolute path without `.` and `..`, or the URL as it is.
std::optional<std::string> read_path(SpecReader& reader, const std::string& text,
                                     const YAML::Mark& mark);

/// "`key` is a list; write a number ..."
void wrong_kind(SpecReader& reader, const Key& key, const YAML::Node& node, const YAML::Mark& mark);
/// The value's position; its key's where the value is empty and has none.
YAML::Mark mark_of(const Field& field);

/// An input with its position.
struct ReadInput {
  Input input;
  YAML::Mark mark;
};

// Values that are not scalars (spec_structures.cpp).
std::vector<ReadInput> read_inputs(SpecReader& reader, const Field& field);
CommandSource read_commands(SpecReader& reader, const Field& field);
std::optional<Reduce> read_reduce(SpecReader& reader, const Field& field);
std::optional<int64_t> read_retry(SpecReader& reader, const Field& field);
std::vector<int> read_statuses(SpecReader& reader, const Field& field);
std::vector<std::string> read_stage_list(SpecReader& reader, const Field& field);
std::map<std::string, std::string> read_env(SpecReader& reader, const Field& field);
/// The limits of a container that Docker knows.
const std::vector<std::string>& limit_names();
std::string read_limits(SpecReader& reader, const Field& field);
/// Fills `reader.parameters`; a value may use parameters declared above it. `set` wins.
void read_parameters(SpecReader& reader, const Field* field,
                     const std::map<std::string, std::string>& set);

}  // namespace mnp::model
