// `order: longest-first` for a list without hints: what its commands took in an earlier run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "launcher/run_folder.hpp"

namespace mnp::launcher {

struct HintedList {
  std::string text;               // one command a line, with `# cost=` hints
  std::vector<std::string> runs;  // that the costs are from, newest first
  uint64_t costs = 0;             // lines that were given one
};

inline constexpr size_t kMaxEarlierRuns = 20;  // looked at

/// A hint (seconds) at each line that has none and succeeded in one of the pipeline's newest runs,
/// from the newest of them. nullopt: no line has got one. Identities and order stay as they are.
std::optional<HintedList> with_earlier_costs(const RunStore& store, const std::string& pipeline,
                                             const std::string& stage,
                                             const model::CommandList& list);

}  // namespace mnp::launcher
