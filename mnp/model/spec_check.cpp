// Rules between the keys of a stage, and between stages.
#include <algorithm>

#include <fmt/format.h>

#include "mnp/core/text.hpp"
#include "mnp/model/batch.hpp"
#include "mnp/model/spec_stage.hpp"

namespace mnp::model {

namespace {

/// At the key where the stage has it itself, else at the stage (the value came from `defaults`).
YAML::Mark place_of(const ReadStage& stage, std::string_view key) {
  const Field* const field = stage.find(key);
  return field == nullptr ? stage.mark : field->name.Mark();
}

void check_kind(SpecReader& reader, const ReadStage& stage) {
  const Field* const commands = stage.find("commands");
  const Field* const program = stage.find("program");
  if (commands != nullptr && program != nullptr)
    return reader.errors.add(program->name.Mark(), "'program' and 'commands' in one stage",
                             "keep one of the two, or make two stages");
  if (commands == nullptr && program == nullptr)
    return reader.errors.add(stage.mark,
                             fmt::format("stage '{}' has nothing to run", stage.spec.name),
                             "write commands: or program:");
  for (const Field& field : stage.own) {
    if (field.key->stage == KeyStage::kCommands && program != nullptr)
      reader.errors.add(field.name.Mark(),
                        fmt::format("'{}' does nothing for a program", field.key->name),
                        field.key->name == "timeout" ? "write stage_timeout" : "remove it");
    if (field.key->stage == KeyStage::kProgram && commands != nullptr)
      reader.errors.add(field.name.Mark(),
                        fmt::format("'{}' does nothing for commands", field.key->name),
                        "remove it");
  }
}

void check_nodes(SpecReader& reader, const ReadStage& stage) {
  const StageSpec& spec = stage.spec;
  if (spec.min_nodes.value_or(1) > spec.nodes)
    reader.errors.add(
        place_of(stage, "min_nodes"),
        fmt::format("min_nodes {} is more than nodes {}", *spec.min_nodes, spec.nodes),
        fmt::format("write {} or less", spec.nodes));
  if (spec.min_alive > spec.nodes)
    reader.errors.add(place_of(stage, "min_alive"),
                      fmt::format("min_alive {} is more than nodes {}", spec.min_alive, spec.nodes),
                      fmt::format("write {} or less", spec.nodes));
}

/// A job waits for so many others at most.
void check_before(SpecReader& reader, const ReadStage& stage) {
  const size_t before = stages_before(stage.spec).size();
  if (before > kMaxDependencies)
    reader.errors.add(
        place_of(stage, "name"),
        fmt::format("stage {} comes after {} others", stage.spec.name, before),
        fmt::format("let a stage between gather them; {} are allowed", kMaxDependencies));
}

void check_times(SpecReader& reader, const ReadStage& stage) {
  const StageSpec& spec = stage.spec;
  if (spec.beat * 2 > spec.lease)
    reader.errors.add(place_of(stage, stage.find("beat") != nullptr ? "beat" : "lease"),
                      fmt::format("beat {} is more than half of lease {}", duration_text(spec.beat),
                                  duration_text(spec.lease)),
                      "write a beat of a fifth of the lease");
  if (!spec.warn_signal) return;
  if (!spec.timeout)
    reader.errors.add(place_of(stage, "warn_signal"), "'warn_signal' without 'timeout'",
                      "add timeout: 10m");
  else if (spec.warn_before >= *spec.timeout)
    reader.errors.add(place_of(stage, "warn_signal"),
                      "'warn_signal' comes before the command's start",
                      "write less than the timeout of " + duration_text(*spec.timeout));
}

void check_pairs(SpecReader& reader, const ReadStage& stage) {
  const StageSpec& spec = stage.spec;
  if (!spec.retry_on.empty() && spec.tries == 1)
    reader.errors.add(place_of(stage, "retry_on"), "'retry_on' does nothing with one try",
                      "add tries: 2");
  if (spec.order == Order::kLongestFirst && spec.distribution == Distribution::kBlock)
    reader.errors.add(place_of(stage, "order"), "'order: longest-first' with fixed blocks",
                      "write distribution: dynamic, or order: list");
  if (const Field* const broadcast = stage.find("broadcast");
      broadcast != nullptr && !spec.stage_inputs)
    reader.errors.add(broadcast->name.Mark(), "'broadcast' with 'stage_inputs: false'",
                      "write them as inputs, or remove stage_inputs");
}

enum class Visit { kNew, kOpen, kDone };

struct Sorter {
  SpecReader& reader;
  const std::vector<ReadStage>& stages;
  std::vector<Visit> visits;
  std::vector<size_t> order, path;
  bool cycle = false;

  size_t find(const std::string& name) const {
    size_t at = 0;
    while (at < stages.size() && stages[at].spec.name != name) ++at;
    return at;
  }
  void report(size_t at) {
    cycle = true;
    const auto start = std::find(path.begin(), path.end(), at);
    std::string text;
    for (auto each = start; each != path.end(); ++each) text += stages[*each].spec.name + " -> ";
    reader.errors.add(stages[at].mark,
                      fmt::format("stages wait for each other: {}{}", text, stages[at].spec.name),
                      "remove one of these from inputs, broadcast or after");
  }
  /// Depth first; as deep as the longest chain of stages, which kMaxStages bounds.
  void visit(size_t at) {
    if (visits[at] == Visit::kDone) return;
    if (visits[at] == Visit::kOpen) return report(at);
    visits[at] = Visit::kOpen;
    path.push_back(at);
    for (const std::string& name : stages_before(stages[at].spec))
      if (const size_t before = find(name); before < stages.size()) visit(before);
    path.pop_back();
    visits[at] = Visit::kDone;
    order.push_back(at);
  }
};

}  // namespace

void check_stage(SpecReader& reader, const ReadStage& stage) {
  check_kind(reader, stage);
  check_nodes(reader, stage);
  check_before(reader, stage);
  check_times(reader, stage);
  check_pairs(reader, stage);
}

std::vector<StageSpec> sort_stages(SpecReader& reader, const std::vector<ReadStage>& stages) {
  Sorter sorter{reader, stages, std::vector<Visit>(stages.size(), Visit::kNew), {}, {}};
  for (size_t at = 0; at < stages.size(); ++at) sorter.visit(at);
  std::vector<StageSpec> sorted;
  for (const size_t at : sorter.order) sorted.push_back(stages[at].spec);
  return sorted;
}

}  // namespace mnp::model
