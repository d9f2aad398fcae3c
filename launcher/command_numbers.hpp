// Numbers of a stage's commands where its list was edited after an attempt: output lies under the
// number that a command had in its attempt's list, and people count in today's.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "launcher/run_folder.hpp"

namespace mnp::launcher {

class CommandNumbers {
 public:
  /// Reads all journals of the stage where one says that its list was another.
  static Result<CommandNumbers> read(const RunFolder& run, const model::StagePlan& stage);

  /// `attempt`: store key of its folder. nullopt: the list has no such command any more.
  std::optional<CommandIndex> now(const std::string& attempt, CommandIndex then) const;
  /// nullopt: the list had no such command yet.
  std::optional<CommandIndex> then(const std::string& attempt, CommandIndex now) const;
  /// A command that has succeeded has another number now.
  bool changed() const { return changed_; }

 private:
  struct Moves {  // of one attempt; commands that have kept their number are in neither
    std::unordered_map<CommandIndex, std::optional<CommandIndex>> now;
    std::unordered_map<CommandIndex, CommandIndex> then;
  };
  const Moves* moves_of(const std::string& attempt) const;
  std::map<std::string, Moves> moves_;  // by attempt
  bool changed_ = false;
};

/// kConfig where commands that have succeeded have other numbers now, and a line of the list reads
/// its number: what has been done under the old one is not done again.
Status refuse_renumbered(const RunFolder& run, const model::StagePlan& stage);

/// Of a stage that has succeeded. kConfig where its list has commands now that have not run.
Status refuse_added(const RunFolder& run, const model::StagePlan& stage);

}  // namespace mnp::launcher
