// A YAML document with positions, and the list of everything wrong with it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "mnp/core/result.hpp"

namespace mnp::model {

/// Gathers `file:line:column: what; what to type`. Adding the same error again changes nothing,
/// so that a value in `defaults` may be read once for every stage.
class SpecErrors {
 public:
  explicit SpecErrors(std::string file) : file_(std::move(file)) {}
  void add(const YAML::Mark& mark, std::string_view what, std::string_view remedy);
  /// "file:line:column"
  std::string at(const YAML::Mark& mark) const;
  bool empty() const { return errors_.empty(); }
  /// All of them, in the file's order, one a line; kMaxSpecErrors at most.
  Error error() const;

 private:
  struct Located {
    int line, column;
    std::string text;
  };
  std::string file_;
  std::vector<Located> errors_;
  std::unordered_set<std::string> known_;  // their texts
};

/// The one mapping that the text must be; nullopt when `errors` has the reason.
std::optional<YAML::Node> load_mapping(std::string_view text, SpecErrors& errors);

/// Whether a scalar was written without quotes (then it may be a number).
bool is_plain(const YAML::Node& node);
/// "a list", "a mapping", "a single value", "empty": for messages.
std::string_view shape_of(const YAML::Node& node);

}  // namespace mnp::model
