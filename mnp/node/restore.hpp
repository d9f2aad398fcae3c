// What earlier attempts of a stage have left in their journals, told in today's command numbers.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mnp/core/store.hpp"
#include "mnp/model/journal.hpp"
#include "mnp/model/ownership.hpp"

namespace mnp::node {

struct Restored {
  uint32_t attempts = 0;          // with a readable journal
  bool lost_main = false;         // one of them ended without a goodbye
  bool last_said_goodbye = true;  // nothing of the latest can run any more
  uint32_t damages = 0;           // each has been logged
};

/// `attempt`: key of the attempt's folder, under which partials of its records lie.
using RestoreEvent = std::function<void(const model::Event&, const std::string& attempt)>;

/// Reads every journal of the stage but `own`, earlier owners first. `identities`: of today's list;
/// what is no longer in it is left out.
Result<Restored> restore_journals(Store& store, const model::StageKeys& stage,
                                  const std::string& own, const std::vector<uint64_t>& identities,
                                  const RestoreEvent& each);

}  // namespace mnp::node
