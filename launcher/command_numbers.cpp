#include "launcher/command_numbers.hpp"

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "mnp/model/history.hpp"
#include "mnp/model/report.hpp"

namespace mnp::launcher {
namespace {

constexpr std::string_view kJournal = "/journal";

Result<bool> had_other_list(Store& store, const std::vector<std::string>& journals,
                            uint64_t digest) {
  for (const std::string& journal : journals) {
    MNP_TRY(const auto begun, model::first_event(store, journal));
    if (begun && begun->list_digest != digest) return true;
  }
  return false;
}

/// A variable with the command's number that a line reads.
std::optional<std::string> number_read(std::string_view line) {
  for (const char* name : {"MNP_COMMAND_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX"})
    if (line.find(name) != std::string_view::npos) return name;
  return std::nullopt;
}

}  // namespace

Result<CommandNumbers> CommandNumbers::read(const RunFolder& run, const model::StagePlan& stage) {
  CommandNumbers numbers;
  const model::StageKeys keys = run.stage(stage.spec.name);
  MNP_TRY(const auto journals, model::journals_of(*run.store, keys));
  if (journals.empty()) return numbers;
  MNP_TRY(const auto list, model::open_list(*run.store, run.keys(), stage));
  MNP_TRY(const bool edited, had_other_list(*run.store, journals, list.digest()));
  if (!edited) return numbers;
  model::HistoryCallbacks callbacks;
  callbacks.event = [](size_t, const model::Event&) {};
  callbacks.record = [&](size_t, const model::Record& said, CommandIndex now) {
    numbers.changed_ = numbers.changed_ || (said.success() && said.command != now);
  };
  std::map<size_t, Moves> moves;  // by journal
  callbacks.moved = [&](size_t journal, CommandIndex said, std::optional<CommandIndex> now) {
    moves[journal].now[said] = now;
    if (now) moves[journal].then[*now] = said;
  };
  MNP_TRY(const auto history, model::read_history(*run.store, keys, list, callbacks));
  for (auto& [index, found] : moves) {
    const std::string& journal = history.journals[index];
    numbers.moves_[journal.substr(0, journal.size() - kJournal.size())] = std::move(found);
  }
  return numbers;
}

const CommandNumbers::Moves* CommandNumbers::moves_of(const std::string& attempt) const {
  const auto found = moves_.find(attempt);
  return found == moves_.end() ? nullptr : &found->second;
}

std::optional<CommandIndex> CommandNumbers::now(const std::string& attempt,
                                                CommandIndex then) const {
  const Moves* const moves = moves_of(attempt);
  if (moves == nullptr) return then;
  const auto moved = moves->now.find(then);
  return moved == moves->now.end() ? then : moved->second;
}

std::optional<CommandIndex> CommandNumbers::then(const std::string& attempt,
                                                 CommandIndex now) const {
  const Moves* const moves = moves_of(attempt);
  if (moves == nullptr) return now;
  if (const auto moved = moves->then.find(now); moved != moves->then.end()) return moved->second;
  if (moves->now.count(now) > 0) return std::nullopt;  // its number was another command's
  return now;
}

Status refuse_renumbered(const RunFolder& run, const model::StagePlan& stage) {
  MNP_TRY(const auto numbers, CommandNumbers::read(run, stage));
  if (!numbers.changed()) return {};
  MNP_TRY(const auto list, model::open_list(*run.store, run.keys(), stage));
  for (uint32_t i = 0; i < list.size(); ++i)
    if (const auto name = number_read(list.line(CommandIndex(i))))
      return fail(
          Code::kConfig,
          fmt::format("stage {}: its list was edited, commands have other numbers than "
                      "when they succeeded, and command {} reads {}: what was done under an old "
                      "number is not done again; type --renumbered to go on so, or start "
                      "a new run",
                      stage.spec.name, i, *name));
  return {};
}

Status refuse_added(const RunFolder& run, const model::StagePlan& stage) {
  if (!stage.spec.program.empty()) return {};
  const model::StageKeys keys = run.stage(stage.spec.name);
  MNP_TRY(const auto journals, model::journals_of(*run.store, keys));
  MNP_TRY(const auto list, model::open_list(*run.store, run.keys(), stage));
  MNP_TRY(const bool edited, had_other_list(*run.store, journals, list.digest()));
  if (!edited) return {};
  MNP_TRY(const auto outcomes, model::read_outcomes(*run.store, keys, list));
  const uint64_t added = list.size() - outcomes.done();
  if (added == 0) return {};
  return fail(
      Code::kConfig,
      fmt::format("stage {} has succeeded; {} of the commands that {} has now have not run, "
                  "and are not run any more: start a new run",
                  stage.spec.name, added, run.store->url(keys.commands())));
}

}  // namespace mnp::launcher
