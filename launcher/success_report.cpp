#include "launcher/success_report.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "mnp/core/glob.hpp"

namespace mnp::launcher {
namespace {

/// Names that start with a dot are the store's own.
bool is_published(const fs::path& path) {
  return path.filename().string().front() != '.';
}

fs::path results_of(const RunFolder& run, const std::string& stage) {
  return run.store->path(run.stage(stage).results());
}

/// Whether a reduction has left something: its arrays lie under the paths that it matched.
bool has_match(const fs::path& results, const std::string& pattern) {
  std::error_code error;
  for (fs::recursive_directory_iterator at(results, error), end; !error && at != end;
       at.increment(error)) {
    if (!is_published(at->path()))
      at.disable_recursion_pending();
    else if (!at->is_directory(error) &&
             glob_match(pattern, at->path().lexically_relative(results).string()))
      return true;
  }
  return false;
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
  if (const auto& reduce = plan.spec.reduce;
      reduce && !has_match(results_of(run, stage.name), reduce->match))
    note(
        fmt::format("warning: reduce has combined nothing: no command left a file that matches "
                    "'{}' below $MNP_RESULTS",
                    reduce->match));
  return notes;
}

std::vector<std::string> result_places(const RunFolder& run, const model::Plan& plan) {
  std::vector<std::string> places;
  for (const model::StagePlan& stage : plan.stages) {
    const fs::path folder = results_of(run, stage.spec.name);
    std::error_code error;
    const fs::directory_iterator files(folder, error);
    if (!error && std::any_of(begin(files), end(files),
                              [](const auto& entry) { return is_published(entry.path()); }))
      places.push_back(fmt::format("results of {}: {}", stage.spec.name, folder.string()));
  }
  return places;
}

}  // namespace mnp::launcher
