// Every key of the pipeline file, once: parser, messages, JSON Schema and document read this.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mnp::model {

enum class KeyKind {
  kText,       // any text, not empty
  kName,       // [A-Za-z0-9][A-Za-z0-9_-]*
  kStageName,  // [a-z0-9][a-z0-9_-]*
  kFolder,     // a path relative to the file's folder
  kPath,       // a path relative to the file's folder, or an URL
  kShell,      // shell text: an undeclared ${name} is the shell's
  kInteger,
  kNumber,
  kBytes,
  kDuration,
  kBool,
  kCountOrBool,
  kChoice,      // one of `choices`
  kSignal,      // USR1, or USR1@30s
  kAllowance,   // a count, or a percentage
  kStatuses,    // a list of exit statuses
  kStageList,   // a list of stages' names
  kInputs,      // a list of stages, paths and URLs, or a mapping name: source
  kCommands,    // a path, a list of lines, or {from: program}
  kReduce,      // {match, op}
  kRetry,       // {attempts}
  kEnv,         // name: text
  kLimits,      // name: number, or "soft:hard"
  kParameters,  // name: text
  kDefaults,    // a stage's keys
  kStages,      // a list of stages
};

enum class KeyPlace { kTop, kStage, kCommands, kReduce, kRetry };
enum class KeyApplies { kBoth, kAws };
enum class KeyStage { kAny, kCommands, kProgram };  // the kind of stage that may have it

struct Key {
  std::string_view name;
  KeyPlace place;
  KeyKind kind;
  std::string_view doc;
  KeyStage stage = KeyStage::kAny;
  KeyApplies applies = KeyApplies::kBoth;
  bool in_defaults = true;         // place kStage: may stand in `defaults` too
  int64_t least = 0, most = 0;     // of numbers; bytes, milliseconds
  std::string_view choices = {};   // "a|b" of kChoice
  std::string_view standard = {};  // the default, for the document
  bool required = false;
};

const std::vector<Key>& spec_keys();
/// nullptr where there is none of this name.
const Key* find_key(KeyPlace place, std::string_view name);
std::vector<std::string> key_names(KeyPlace place, bool in_defaults = false);
/// How one writes a value of this kind: "a duration such as 10m".
std::string expected(const Key& key);
/// The same for one entry of a list or mapping: "a stage's name".
std::string expected_entry(const Key& key);

}  // namespace mnp::model
