// `order: longest-first` for a list without hints: what its commands took in an earlier run.
#pragma once

#include <optional>
#include <string>

#include "launcher/run_folder.hpp"

namespace mnp::launcher {

struct HintedList {
  std::string text;    // one command a line, with `# cost=` hints
  std::string run;     // that the costs are from
  uint64_t costs = 0;  // lines that were given one
};

/// A hint (seconds) at each line that has none and succeeded in the newest of the pipeline's runs
/// in which the stage has one of them. nullopt: there is no such run among the newest
/// kMaxEarlierRuns. Identities and order stay as they are.
std::optional<HintedList> with_earlier_costs(const fs::path& store, const std::string& pipeline,
                                             const std::string& stage,
                                             const model::CommandList& list);
inline constexpr size_t kMaxEarlierRuns = 20;

}  // namespace mnp::launcher
