#include "launcher/earlier_costs.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace mnp::launcher {
namespace {

constexpr size_t kHintBytes = 32;       // at most
constexpr double kLeastSeconds = 1e-3;  // 0 says that nothing is known

using Costs = std::unordered_map<uint64_t, double>;  // seconds by identity

/// Index and seconds of a command that succeeded, from its row in results.jsonl.
std::optional<std::pair<uint64_t, double>> seconds_of(std::string_view row) {
  try {
    const auto json = nlohmann::json::parse(row);
    if (json.at("state") != "succeeded") return std::nullopt;
    const double seconds = json.at("end").get<double>() - json.at("start").get<double>();
    return std::pair(json.at("index").get<uint64_t>(), seconds);
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;  // damaged
  }
}

/// Of the commands that succeeded in one run.
Costs costs_of(const RunFolder& run, const std::string& stage) {
  Costs costs;
  const auto list = model::CommandList::open(run.store->path(run.stage(stage).commands()));
  const auto rows = run.store->get(run.stage(stage).outcomes());
  if (!list || !rows) return costs;
  const auto identities = list->identities();
  for (size_t start = 0, end; (end = rows->find('\n', start)) != std::string::npos; start = end + 1)
    if (const auto took = seconds_of(std::string_view(*rows).substr(start, end - start));
        took && took->first < identities.size())
      costs[identities[took->first]] = took->second;
  return costs;
}

/// Whether a hint can be put behind the line and be taken off again, leaving what was there.
bool takes_hint(std::string_view line) {
  const char last = line.empty() ? ' ' : line.back();
  return last != ' ' && last != '\t' && last != '\\' && line.size() + kHintBytes <= model::kMaxLine;
}

HintedList hinted(const model::CommandList& list, const Costs& costs) {
  HintedList made;
  const auto identities = list.identities();
  for (uint32_t i = 0; i < list.size(); ++i) {
    const std::string_view line = list.line(CommandIndex(i));
    double cost = list.cost(CommandIndex(i));
    const auto known = costs.find(identities[i]);
    if (cost == 0 && known != costs.end() && takes_hint(line)) {
      cost = std::max(known->second, kLeastSeconds);
      ++made.costs;
    }
    made.text += line;
    made.text += cost > 0 ? fmt::format(" # cost={:.6g}\n", cost) : "\n";
  }
  return made;
}

}  // namespace

std::optional<HintedList> with_earlier_costs(const fs::path& store, const std::string& pipeline,
                                             const std::string& stage,
                                             const model::CommandList& list) {
  const auto runs = all_runs(store);
  if (!runs) return std::nullopt;
  size_t looked_at = 0;
  for (const RunFolder& run : *runs) {
    if (model::pipeline_of_run(run.id) != pipeline) continue;
    if (++looked_at > kMaxEarlierRuns) break;
    HintedList made = hinted(list, costs_of(run, stage));
    if (made.costs == 0) continue;
    made.run = run.id;
    return made;
  }
  return std::nullopt;
}

}  // namespace mnp::launcher
