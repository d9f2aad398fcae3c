#include "launcher/success_report.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "mnp/core/glob.hpp"

namespace mnp::launcher {
namespace {

/// Whether a reduction has left something: its arrays lie under the paths that it matched.
bool has_match(const RunFolder& run, const std::string& stage, const std::string& pattern) {
  const std::string results = run.stage(stage).results();
  const auto keys = run.store->list(results);
  return keys && std::any_of(keys->begin(), keys->end(), [&](const std::string& key) {
           return glob_match(pattern, key.substr(results.size() + 1));
         });
}

}  // namespace

std::vector<std::string> stage_notes(const RunFolder& run, const model::StagePlan& plan,
                                     const StageState& stage) {
  std::vector<std::string> notes;
  const auto note = [&](const std::string& text) {
    notes.push_back(fmt::format("stage {}: {}", stage.name, text));
  };
  if (stage.failed > 0)
    note(
        fmt::format("{} of {} commands failed, as allow_failures permits; `mnp logs {} {}{} "
                    "--failed` shows what they printed",
                    stage.failed, stage.total, run.id, stage.name, run.store_words()));
  if (!stage.reason.empty()) note(stage.reason);
  if (const auto& reduce = plan.spec.reduce; reduce && !has_match(run, stage.name, reduce->match))
    note(
        fmt::format("warning: reduce has combined nothing: no command left a file that matches "
                    "'{}' below $MNP_RESULTS",
                    reduce->match));
  return notes;
}

std::vector<std::string> result_places(const RunFolder& run, const model::Plan& plan) {
  std::vector<std::string> places;
  for (const model::StagePlan& stage : plan.stages) {
    const std::string results = run.stage(stage.spec.name).results();
    if (const auto names = run.store->names(results); names && !names->empty())
      places.push_back(fmt::format("results of {}: {}", stage.spec.name, run.store->url(results)));
  }
  return places;
}

}  // namespace mnp::launcher
