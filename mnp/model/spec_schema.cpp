#include "mnp/model/spec_schema.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "mnp/core/text.hpp"
#include "mnp/model/spec.hpp"
#include "mnp/model/spec_keys.hpp"
#include "mnp/model/spec_values.hpp"

namespace mnp::model {

namespace {

using Json = nlohmann::ordered_json;

Json ref(const char* name) {
  return {{"$ref", fmt::format("#/definitions/{}", name)}};
}

/// A value that may also be text with a parameter in it.
Json or_parameter(Json value) {
  return {{"anyOf", Json::array({std::move(value), ref("parameter")})}};
}

Json pattern(const std::string& regex) {
  return {{"type", "string"}, {"pattern", regex}};
}

Json integer(const Key& key) {
  return {{"type", "integer"}, {"minimum", key.least}, {"maximum", key.most}};
}

Json name_schema(const char* regex) {
  Json schema = pattern(regex);
  schema["maxLength"] = kMaxName;
  return or_parameter(std::move(schema));
}

Json unit_schema(const Key& key, const char* number, const char* regex) {
  return {{"anyOf", Json::array({{{"type", number}, {"minimum", key.least > 0 ? 0 : key.least}},
                                 pattern(regex),
                                 ref("parameter")})}};
}

Json map_schema(const char* name_regex, Json value) {
  return {{"type", "object"},
          {"propertyNames", {{"pattern", name_regex}}},
          {"additionalProperties", std::move(value)}};
}

Json object_schema(KeyPlace place, bool in_defaults = false);

Json scalar_schema(const Key& key) {
  switch (key.kind) {
    case KeyKind::kName:
      return name_schema("^[A-Za-z0-9][A-Za-z0-9_-]*$");
    case KeyKind::kStageName:
      return name_schema("^[a-z0-9][a-z0-9_-]*$");
    case KeyKind::kInteger:
      return or_parameter(integer(key));
    case KeyKind::kNumber:
      return or_parameter({{"type", "number"}, {"minimum", key.least}, {"maximum", key.most}});
    case KeyKind::kBytes:
      return unit_schema(key, "number", "^\\s*[0-9.]+\\s*([kKMGTP]i?)?B?\\s*$");
    case KeyKind::kDuration:
      return unit_schema(key, "number", "^\\s*([0-9.]+|([0-9.]+(ms|s|m|h|d))+)\\s*$");
    case KeyKind::kBool:
      return or_parameter({{"type", "boolean"}});
    case KeyKind::kCountOrBool:
      return {{"anyOf", Json::array({{{"type", "boolean"}}, integer(key), ref("parameter")})}};
    case KeyKind::kChoice:
      return or_parameter({{"enum", split(key.choices, '|')}});
    case KeyKind::kSignal:
      return or_parameter(
          pattern("^(SIG)?(HUP|INT|QUIT|USR1|USR2|ALRM|TERM|CONT|WINCH|XCPU)(@[0-9.a-z]+)?$"));
    case KeyKind::kAllowance:
      return {{"anyOf", Json::array({{{"type", "integer"}, {"minimum", 0}},
                                     pattern("^([0-9]+|[0-9.]+%)$"),
                                     ref("parameter")})}};
    default:
      return ref("text");
  }
}

Json key_schema(const Key& key) {
  switch (key.kind) {
    case KeyKind::kStatuses:
      return {{"type", "array"}, {"minItems", 1}, {"items", or_parameter(integer(key))}};
    case KeyKind::kStageList:
      return {{"type", "array"}, {"items", ref("text")}};
    case KeyKind::kInputs:
      return {{"anyOf", Json::array({{{"type", "array"}, {"items", ref("text_or_empty")}},
                                     map_schema("^[A-Za-z0-9_.+=-]+$", ref("text_or_empty"))})}};
    case KeyKind::kCommands:
      return {{"anyOf", Json::array({ref("text"),
                                     {{"type", "array"}, {"minItems", 1}, {"items", ref("text")}},
                                     object_schema(KeyPlace::kCommands)})}};
    case KeyKind::kReduce:
      return object_schema(KeyPlace::kReduce);
    case KeyKind::kRetry:
      return object_schema(KeyPlace::kRetry);
    case KeyKind::kEnv:
      return map_schema("^(?!AWS_BATCH_|MNP_)[A-Za-z_][A-Za-z0-9_]*$", ref("text_or_empty"));
    case KeyKind::kLimits: {
      Json schema = map_schema("", {{"type", Json::array({"integer", "string"})}});
      schema["propertyNames"] = {{"enum", limit_names()}};
      return schema;
    }
    case KeyKind::kParameters:
      return map_schema("^[A-Za-z_][A-Za-z0-9_]*$", ref("text_or_empty"));
    case KeyKind::kDefaults:
      return object_schema(KeyPlace::kStage, true);
    case KeyKind::kStages:
      return {{"type", "array"}, {"minItems", 1}, {"items", ref("stage")}};
    default:
      return scalar_schema(key);
  }
}

Json object_schema(KeyPlace place, bool in_defaults) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Key& key : spec_keys()) {
    if (key.place != place || (in_defaults && !key.in_defaults)) continue;
    Json schema = key_schema(key);
    schema["description"] = key.doc;
    properties[std::string(key.name)] = std::move(schema);
    if (key.required) required.push_back(key.name);
  }
  Json schema = {
      {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

/// `properties: {key: false}` for all keys that the other kind of stage alone has.
Json keys_forbidden(KeyStage kind) {
  Json properties = Json::object();
  for (const Key& key : spec_keys())
    if (key.place == KeyPlace::kStage && key.stage == kind)
      properties[std::string(key.name)] = false;
  return {{"properties", std::move(properties)}};
}

Json stage_schema() {
  Json schema = object_schema(KeyPlace::kStage);
  schema["oneOf"] = Json::array(
      {{{"required", Json::array({"commands"})}}, {{"required", Json::array({"program"})}}});
  schema["dependencies"] = {{"commands", keys_forbidden(KeyStage::kProgram)},
                            {"program", keys_forbidden(KeyStage::kCommands)}};
  return schema;
}

std::string_view applies_to(const Key& key) {
  if (key.stage == KeyStage::kCommands) return "commands";
  if (key.stage == KeyStage::kProgram) return "program";
  return key.applies == KeyApplies::kAws ? "AWS only" : "";
}

}  // namespace

std::string pipeline_schema() {
  Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"},
                 {"title", "mnp pipeline file"}};
  schema.update(object_schema(KeyPlace::kTop));
  const Json scalars = Json::array({"string", "number", "boolean"});
  schema["definitions"] = {
      {"parameter", {{"type", "string"}, {"pattern", "\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}"}}},
      {"text", {{"type", scalars}, {"minLength", 1}}},
      {"text_or_empty", {{"type", Json::array({"string", "number", "boolean", "null"})}}},
      {"stage", stage_schema()}};
  return schema.dump(2) + "\n";
}

std::string keys_as_markdown() {
  struct Section {
    KeyPlace place;
    const char* title;
  };
  std::string text;
  for (const Section& section :
       {Section{KeyPlace::kTop, "At the top"}, Section{KeyPlace::kStage, "In a stage"},
        Section{KeyPlace::kCommands, "In `commands: {...}`"},
        Section{KeyPlace::kReduce, "In `reduce`"}, Section{KeyPlace::kRetry, "In `retry`"}}) {
    text +=
        fmt::format("### {}\n\n| key | value | default | for | meaning |\n|---|---|---|---|---|\n",
                    section.title);
    for (const Key& key : spec_keys())
      if (key.place == section.place)
        text += fmt::format("| `{}` | {} | {} | {} | {} |\n", key.name, expected(key),
                            key.required ? "required" : key.standard, applies_to(key), key.doc);
    text += "\n";
  }
  return text;
}

}  // namespace mnp::model
