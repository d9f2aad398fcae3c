#include "launcher/earlier_costs.hpp"

#include <algorithm>
#include <fstream>
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
  const auto list = model::open_list(*run.store, run.stage(stage).commands());
  const auto rows = run.store->file(run.stage(stage).outcomes());
  if (!list || !rows) return costs;
  const auto identities = list->identities();
  std::ifstream file(rows->path);
  for (std::string row; std::getline(file, row);)
    if (const auto took = seconds_of(row); took && took->first < identities.size())
      costs[identities[took->first]] = took->second;
  return costs;
}

/// Whether a hint can be put behind the line and be taken off again, leaving what was there.
bool takes_hint(std::string_view line) {
  const char last = line.empty() ? ' ' : line.back();
  return last != ' ' && last != '\t' && last != '\\' && line.size() + kHintBytes <= model::kMaxLine;
}

/// What is known of one list, run by run.
class Hints {
 public:
  explicit Hints(const model::CommandList& list) : list_(list), seconds_(list.size()) {
    for (uint32_t i = 0; i < list.size(); ++i) {
      seconds_[i] = list.cost(CommandIndex(i));
      if (seconds_[i] == 0 && takes_hint(list.line(CommandIndex(i)))) unknown_.push_back(i);
    }
    if (!unknown_.empty()) identities_ = list.identities();
  }
  bool complete() const { return unknown_.empty(); }
  /// How many lines have got one.
  uint64_t take(const Costs& costs) {
    if (costs.empty()) return 0;
    return std::erase_if(unknown_, [&](uint32_t i) {
      const auto known = costs.find(identities_[i]);
      if (known == costs.end()) return false;
      seconds_[i] = std::max(known->second, kLeastSeconds);
      return true;
    });
  }
  std::string text() const {
    std::string text;
    for (uint32_t i = 0; i < list_.size(); ++i) {
      text += list_.line(CommandIndex(i));
      text += seconds_[i] > 0 ? fmt::format(" # cost={:.6g}\n", seconds_[i]) : "\n";
    }
    return text;
  }

 private:
  const model::CommandList& list_;
  std::vector<double> seconds_;       // by command; 0: not known
  std::vector<uint32_t> unknown_;     // commands that may get a hint
  std::vector<uint64_t> identities_;  // only where there are such
};

}  // namespace

std::optional<HintedList> with_earlier_costs(const RunStore& store, const std::string& pipeline,
                                             const std::string& stage,
                                             const model::CommandList& list) {
  HintedList made;
  Hints hints(list);
  if (hints.complete()) return std::nullopt;
  const auto runs = all_runs(store);
  size_t looked_at = 0;
  for (const RunFolder& run : runs ? *runs : std::vector<RunFolder>{}) {
    if (model::pipeline_of_run(run.id) != pipeline) continue;
    if (hints.complete() || ++looked_at > kMaxEarlierRuns) break;
    const uint64_t taken = hints.take(costs_of(run, stage));
    if (taken > 0) made.runs.push_back(run.id);
    made.costs += taken;
  }
  if (made.costs == 0) return std::nullopt;
  made.text = hints.text();
  return made;
}

}  // namespace mnp::launcher
