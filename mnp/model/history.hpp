// What all journals of a stage say together, oldest owner first, in the words of today's list:
// what a new owner gives to Scheduler::restore, and what `read_outcomes` is made of.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mnp/core/result.hpp"
#include "mnp/core/store.hpp"
#include "mnp/model/command_list.hpp"
#include "mnp/model/journal.hpp"
#include "mnp/model/ownership.hpp"

namespace mnp::model {

struct History {
  std::vector<std::string> journals;  // prefixes, oldest owner first
  std::vector<Damage> damages;
  /// The last journal is damaged: what it says of failures may be out of date. Restore this
  /// attempt's own Begun with fresh_failures.
  bool failures_unsure = false;
  /// There is no earlier owner, or the last one has said goodbye: nothing of it can be running.
  bool goodbye = true;
  /// But on nodes that could not be reached it may, for so long after its goodbye.
  Milliseconds silent{0};
};

struct HistoryCallbacks {
  /// An event of `journal` (an index of History::journals). Commands are today's: those of other
  /// lists are translated by identity, or left out when they are in the list no more. The first
  /// event of every journal is a Begun, an empty one where it cannot be read; after a damaged
  /// journal it has fresh_failures.
  std::function<void(size_t journal, const Event& event)> event;
  /// Damage, in its place between the events; may be empty.
  std::function<void(size_t journal, const Damage& damage)> damage;
  /// Before `event` has a record: the record as its journal says it, with the number that the
  /// command had in that attempt's list, by which its partials are named; `now`: today's. May be
  /// empty.
  std::function<void(size_t journal, const Record& said, CommandIndex now)> record = {};
  /// A command that has another number in the list of `journal` (`said`) than today (`now`), or is
  /// in the list no more; said again whenever the journal names it. May be empty.
  std::function<void(size_t journal, CommandIndex said, std::optional<CommandIndex> now)> moved =
      {};
};

Result<History> read_history(Store& store, const StageKeys& stage, const CommandList& list,
                             const HistoryCallbacks& callbacks);

}  // namespace mnp::model
