#include "launcher/failure_report.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "cpu/output_stream.hpp"
#include "launcher/command_numbers.hpp"
#include "launcher/last_words.hpp"
#include "launcher/log_printer.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/command_list.hpp"

namespace mnp::launcher {
namespace {

constexpr size_t kShownLines = 12;
constexpr size_t kShownBytes = 4096;
constexpr size_t kFrame = 60;          // dashes
constexpr size_t kShownCommand = 160;  // bytes of the command's line

bool is_failure(model::CommandState state) {
  return state == model::CommandState::kFailed || state == model::CommandState::kTimedOut ||
         state == model::CommandState::kPoisoned;
}

/// "timed out after 10m"
std::string text_of(const model::Ending& ending, const model::StageSpec& spec) {
  std::string text = model::to_text(ending);
  if (ending.kind == model::Ending::Kind::kTimedOut && spec.timeout)
    text += " after " + model::duration_text(*spec.timeout);
  return text;
}

FailedCommand failed_command(const model::CommandList& list, CommandIndex index,
                             const model::Outcomes& outcomes, const CommandNumbers& numbers,
                             const model::StageSpec& spec) {
  const model::Outcome& outcome = outcomes.commands[index.value()];
  const std::string& journal = outcomes.journals[outcome.journal];
  const bool poisoned = outcome.state == model::CommandState::kPoisoned;
  FailedCommand command;
  command.index = index;
  command.line = list.line(index);
  command.what =
      poisoned ? "poisoned: its node died under it every time" : text_of(outcome.ending, spec);
  if (const auto error = outcomes.errors.find(index); error != outcomes.errors.end())
    command.what += "; " + error->second;
  command.tries = outcome.tries;
  command.node = outcome.node;
  command.start = poisoned ? outcome.tries : outcome.start;  // its last start has no record
  command.segment = poisoned ? 1 : outcome.output_segment;
  const std::string_view suffix = "/journal";
  const model::AttemptKeys keys{journal.substr(0, journal.size() - suffix.size())};
  command.then = numbers.then(keys.attempt, index).value_or(index);
  command.output = keys.output(outcome.node, outcome.incarnation);
  return command;
}

/// mpirun frames each of its remarks with two lines of dashes; what ranks printed stands before. It
/// matters where mpirun could not start them.
std::vector<std::string> without_remarks(const std::vector<std::string>& lines) {
  std::vector<std::string> kept, remark;
  bool in_remark = false;
  for (const std::string& line : lines) {
    if (line.size() >= kFrame && line.find_first_not_of('-') == std::string::npos) {
      const bool cause = std::any_of(remark.begin(), remark.end(), [](const std::string& each) {
        return each.find("unable to") != std::string::npos;
      });
      if (cause) kept.insert(kept.end(), remark.begin(), remark.end());
      remark.clear();
      in_remark = !in_remark;
    } else {
      (in_remark ? remark : kept).push_back(line);
    }
  }
  return kept;
}

std::string indented_tail(std::string_view text, bool is_program) {
  auto lines = split(trim(text), '\n');
  if (auto own = without_remarks(lines); is_program && !own.empty()) lines = std::move(own);
  if (lines.size() > kShownLines) lines.erase(lines.begin(), lines.end() - kShownLines);
  std::string tail;
  for (const std::string& line : lines) tail += "    | " + line + "\n";
  return tail;
}

std::string first_failure(const RunFolder& run, const std::string& stage) {
  const auto failed = failed_commands(run, stage);
  if (!failed || failed->empty()) return "";
  const FailedCommand& first = failed->front();
  std::string text = fmt::format("  {} on node {}: {}: {}\n", first.name(), first.node.value(),
                                 first.what, first.line.substr(0, kShownCommand));
  if (const auto output = last_output(run, first, kShownBytes); output && !trim(*output).empty())
    text += indented_tail(*output, first.is_program);
  if (failed->size() > 1) text += fmt::format("  and {} more\n", failed->size() - 1);
  return text;
}

bool ends_line(const std::string& text) {
  return text.empty() || text.back() == '\n';
}

/// What the stage's own last word says; a main that could not write one has said it elsewhere.
std::string reasons_of(const RunFolder& run, const StageState& stage) {
  if (!stage.reason.empty()) return "  " + stage.reason + "\n";
  std::string text;
  for (const std::string& line : last_words(run, stage.name)) text += "  " + line + "\n";
  return text;
}

}  // namespace

std::string FailedCommand::name() const {
  return is_program ? "the program" : fmt::format("command {}", index.value());
}

std::string_view meaning_of(int status) {
  static constexpr std::array<std::pair<int, std::string_view>, 12> kMeanings = {{
      {10, "commands failed after their tries"},
      {11, "the program failed"},
      {12, "stage or stall timeout"},
      {20, "wrong configuration, list or credentials"},
      {30, "nodes are missing after join_timeout"},
      {31, "too many nodes lost"},
      {32, "the store could not be reached, or is full"},
      {34, "the MPI world could not be formed"},
      {40, "stopped"},
      {70, "a bug in mnp"},
      {137, "the main node was killed"},
  }};
  for (const auto& [number, meaning] : kMeanings)
    if (number == status) return meaning;
  return status > 128 ? "the main node was killed by a signal" : "";
}

int exit_status_of(const StageState& stage) {
  return stage.status.value_or(0) != 0 ? *stage.status : code_info(Code::kConfig).exit_status;
}

std::string failure_report(const RunFolder& run, const StageState& stage) {
  const int status = exit_status_of(stage);
  const std::string_view meaning = meaning_of(status);
  std::string text = fmt::format(
      "stage {} failed with status {}{}{}{}\n", stage.name, status, meaning.empty() ? "" : ": ",
      meaning, stage.attempt > 1 ? fmt::format(" ({} attempts)", stage.attempt) : "");
  text += reasons_of(run, stage) + first_failure(run, stage.name);
  if (const std::string full = full_store(run); !full.empty()) text += "  " + full + "\n";
  const bool commands = status == code_info(Code::kCommandsFailed).exit_status;
  const bool program = status == code_info(Code::kProgramFailed).exit_status;
  const std::string store = run.store_words();
  const std::string logs = fmt::format("mnp logs {} {}{}{}", run.id, stage.name, store,
                                       commands  ? " --failed"
                                       : program ? ""
                                                 : " --runtime");
  const std::string resume = fmt::format("mnp resume {}{}", run.id, store);
  const size_t width = std::max(logs.size(), resume.size());
  text += fmt::format("  {:<{}}  shows what {}\n", logs, width,
                      commands  ? "failed commands printed"
                      : program ? "it printed"
                                : "the nodes said");
  return text + fmt::format("  {:<{}}  runs what is not done", resume, width);
}

Result<std::vector<FailedCommand>> failed_commands(const RunFolder& run, const std::string& name) {
  MNP_TRY(const auto plan, run.plan());
  const model::StagePlan* const stage = plan.find(name);
  if (stage == nullptr)
    return fail(Code::kNotFound, fmt::format("{} has no stage {}", run.id, name));
  MNP_TRY(const auto list, model::open_list(*run.store, run.keys(), *stage));
  MNP_TRY(const auto outcomes, model::read_outcomes(*run.store, run.stage(name), list));
  MNP_TRY(const auto numbers, CommandNumbers::read(run, *stage));
  std::vector<FailedCommand> failed;
  for (uint32_t index = 0; index < outcomes.commands.size(); ++index) {
    if (!is_failure(outcomes.commands[index].state)) continue;
    failed.push_back(failed_command(list, CommandIndex(index), outcomes, numbers, stage->spec));
    failed.back().is_program = !stage->spec.program.empty();
  }
  return failed;
}

Result<std::string> last_output(const RunFolder& run, const FailedCommand& command, size_t limit) {
  std::string text;
  if (command.segment == 0) return text;
  MNP_TRY([[maybe_unused]] const uint32_t next,
          cpu::read_output(*run.store, command.output, command.then, command.segment,
                           [&](const cpu::OutputChunk& chunk) {
                             if (chunk.start != command.start) return;
                             text.append(chunk.bytes);
                             if (chunk.cut_at)
                               text += (ends_line(text) ? "" : "\n") + cut_note(*chunk.cut_at);
                             if (text.size() > 2 * limit) text.erase(0, text.size() - limit);
                           }));
  if (text.size() > limit) text.erase(0, text.size() - limit);
  return text;
}

}  // namespace mnp::launcher
