// `mnp logs [RUN] [STAGE]`: what commands printed, or what nodes said.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "launcher/command_numbers.hpp"
#include "launcher/commands.hpp"
#include "launcher/failure_report.hpp"
#include "launcher/log_printer.hpp"
#include "launcher/log_source.hpp"
#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

constexpr Milliseconds kFollowPeriod{500};
constexpr size_t kMaxFailedOutput = size_t{1} << 20;  // bytes shown of one failed command

/// A program is command 0 of its stage.
uint64_t commands_of(const model::StagePlan& stage) {
  return stage.spec.program.empty() ? stage.commands : 1;
}

/// Of `stages` those that have what `number` counts; an error with the range where none has.
Status keep_those_with(std::vector<std::string>& stages, const model::Plan& plan,
                       std::string_view what, std::optional<uint32_t> number,
                       uint64_t (*count)(const model::StagePlan&)) {
  if (!number) return {};
  std::vector<std::string> kept, ranges;
  for (const std::string& name : stages) {
    const uint64_t size = count(*plan.find(name));
    if (*number < size) kept.push_back(name);
    ranges.push_back(size == 1 ? fmt::format("{} has {} 0 alone", name, what)
                               : fmt::format("{} has {}s 0 to {}", name, what, size - 1));
  }
  if (kept.empty())
    return fail(Code::kUsage,
                fmt::format("there is no {} {}: stage {}", what, *number, join(ranges, ", ")));
  stages = std::move(kept);
  return {};
}

Result<std::vector<std::string>> named_stages(const RunFolder& run, const model::Plan& plan,
                                              const LogsOptions& options) {
  std::vector<std::string> names;
  for (const auto& stage : plan.stages) names.push_back(stage.spec.name);
  if (options.stage.empty()) return names;
  if (plan.find(options.stage) != nullptr) return std::vector<std::string>{options.stage};
  const std::string near = nearest(options.stage, names);
  return fail(Code::kUsage, fmt::format("{} has no stage '{}'; {}", run.id, options.stage,
                                        near.empty() ? "it has " + join(names, ", ")
                                                     : "do you mean " + near + "?"));
}

LogPrinter::Form form_of(const LogsOptions& options) {
  if (options.json) return LogPrinter::Form::kJson;
  return options.command ? LogPrinter::Form::kBytes : LogPrinter::Form::kLines;
}

Result<std::vector<model::StagePlan>> chosen_stages(const RunFolder& run,
                                                    const LogsOptions& options) {
  MNP_TRY(auto plan, run.plan());
  MNP_TRY(auto stages, named_stages(run, plan, options));
  MNP_CHECK(keep_those_with(stages, plan, "node", options.node, [](const model::StagePlan& stage) {
    return uint64_t{stage.spec.nodes};
  }));
  // Lists may have been edited since they were planned.
  for (model::StagePlan& stage : plan.stages)
    if (options.command && stage.spec.program.empty()) {
      MNP_TRY(const auto list, model::open_list(*run.store, run.keys(), stage));
      stage.commands = list.size();
    }
  MNP_CHECK(keep_those_with(stages, plan, "command", options.command, commands_of));
  std::vector<model::StagePlan> chosen;
  for (const std::string& stage : stages) chosen.push_back(*plan.find(stage));
  return chosen;
}

/// Prints what is new since the last call.
class OutputReader {
 public:
  OutputReader(const RunFolder& run, const LogsOptions& options)
      : run_(run), options_(options), printer_(form_of(options)) {}

  Status read(const model::StagePlan& stage) {
    const std::string& name = stage.spec.name;
    MNP_TRY(auto streams, output_streams(run_, name, options_.node));
    if (numbers_.count(name) == 0) {
      MNP_TRY(numbers_[name], CommandNumbers::read(run_, stage));
    }
    if (options_.command && !options_.follow) MNP_CHECK(sort_by_start(name, streams));
    for (const std::string& stream : streams) MNP_CHECK(read_stream(name, stream));
    std::fflush(stdout);
    return {};
  }
  void flush() { printer_.flush(); }

 private:
  /// A command's tries in their order: each may have run on another node.
  Status sort_by_start(const std::string& stage, std::vector<std::string>& streams) {
    std::map<std::string, size_t> attempts;  // in the order in which they were begun
    std::map<std::string, std::pair<size_t, uint32_t>> places;
    for (const std::string& stream : streams) {
      const std::string attempt = attempt_of_stream(stream);
      const size_t number = attempts.emplace(attempt, attempts.size()).first->second;
      const auto command = numbers_.at(stage).then(attempt, CommandIndex(*options_.command));
      uint32_t first = UINT32_MAX;
      if (command) {
        MNP_TRY([[maybe_unused]] const uint32_t next,
                cpu::read_output(*run_.store, stream, *command, 1,
                                 [&first](const cpu::OutputChunk& chunk) {
                                   first = std::min(first, chunk.start);
                                 }));
      }
      places[stream] = {number, first};
    }
    std::stable_sort(streams.begin(), streams.end(),
                     [&](const auto& a, const auto& b) { return places.at(a) < places.at(b); });
    return {};
  }
  Status read_stream(const std::string& stage, const std::string& stream) {
    const CommandNumbers& numbers = numbers_.at(stage);
    const std::string attempt = attempt_of_stream(stream);
    std::optional<CommandIndex> command;
    if (options_.command) {
      command = numbers.then(attempt, CommandIndex(*options_.command));
      if (!command) return {};
    }
    uint32_t& next = next_.try_emplace(stream, 1).first->second;
    MNP_TRY(next, cpu::read_output(
                      *run_.store, stream, command, next, [&](const cpu::OutputChunk& chunk) {
                        printer_.print(stage, numbers.now(attempt, chunk.command), chunk);
                      }));
    return {};
  }

  const RunFolder& run_;
  const LogsOptions& options_;
  LogPrinter printer_;
  std::map<std::string, CommandNumbers> numbers_;  // by stage
  std::map<std::string, uint32_t> next_;           // segment, by stream
};

/// The same for the nodes' own words.
class RuntimeReader {
 public:
  RuntimeReader(const RunFolder& run, const LogsOptions& options) : run_(run), options_(options) {}

  Status read(const model::StagePlan& stage) {
    MNP_TRY(const auto logs, node_logs(run_, stage.spec.name, options_.node));
    for (const fs::path& log : logs) print_new(stage.spec.name, log);
    std::fflush(stdout);
    return {};
  }
  void flush() {}

 private:
  void print_new(const std::string& stage, const fs::path& log) {
    std::ifstream file(log);
    std::streamoff& offset = offsets_[log.string()];
    file.seekg(offset);
    const std::string label = stage + "/" + log.stem().string();
    for (std::string line; std::getline(file, line) && !file.eof();) {
      offset += static_cast<std::streamoff>(line.size()) + 1;
      print_line(stage, label, log, line);
    }
  }
  void print_line(const std::string& stage, const std::string& label, const fs::path& log,
                  const std::string& line) {
    if (!options_.json) return fmt::print("{} | {}\n", label, line);
    nlohmann::ordered_json json;
    json["stage"] = stage;
    json["node"] = log.stem().string();
    json["text"] = line;
    fmt::print("{}\n", json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }

  const RunFolder& run_;
  const LogsOptions& options_;
  std::map<std::string, std::streamoff> offsets_;
};

template <class Reader>
Status read_all_of(const RunFolder& run, const std::vector<model::StagePlan>& stages,
                   const LogsOptions& options) {
  Reader reader(run, options);
  for (;;) {
    // Before reading: nothing comes after the last.
    MNP_TRY(const bool more, options.follow ? is_live(run) : Result<bool>(false));
    for (const model::StagePlan& stage : stages) MNP_CHECK(reader.read(stage));
    if (!more || std::ferror(stdout) != 0) break;
    std::this_thread::sleep_for(kFollowPeriod);
  }
  reader.flush();
  return {};
}

/// A store in S3 does not hold what the nodes themselves said: that lies where they ran.
Status refuse_logs_elsewhere(const RunFolder& run, const std::vector<model::StagePlan>& stages) {
  MNP_TRY(const auto submitted, run.submitted());
  if (!run.in.in_s3() || submitted.submissions.empty()) return {};
  std::string host;  // where the newest of the stages' jobs ran
  for (const Submission& submission : submitted.submissions)
    for (const SubmittedJob& job : submission.jobs)
      if (std::any_of(stages.begin(), stages.end(), [&job](const model::StagePlan& stage) {
            return stage.spec.name == job.stage;
          }))
        host = submission.host;
  if (host.empty() || host == host_name()) return {};
  for (const model::StagePlan& stage : stages) {
    MNP_TRY(const auto logs, node_logs(run, stage.spec.name, std::nullopt));
    if (!logs.empty()) return {};
  }
  return fail(Code::kNotFound,
              fmt::format("the nodes of {} wrote their logs where they ran; type `mnp logs {}{} "
                          "--runtime` on {}",
                          run.id, run.id, run.store_words(), host));
}

Status print_failed(const RunFolder& run, const std::string& stage, const LogsOptions& options) {
  MNP_TRY(const auto failed, failed_commands(run, stage));
  for (const FailedCommand& command : failed) {
    if (options.node && command.node.value() != *options.node) continue;
    if (options.command && command.index.value() != *options.command) continue;
    MNP_TRY(const auto output, last_output(run, command, kMaxFailedOutput));
    if (options.json) {
      nlohmann::ordered_json json;
      json["stage"] = stage;
      json["command"] = command.index.value();
      json["line"] = command.line;
      json["what"] = command.what;
      json["tries"] = command.tries;
      json["node"] = command.node.value();
      json["text"] = output;
      fmt::print("{}\n", json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
      continue;
    }
    fmt::print("== {} {} on node {}, try {}: {}: {}\n{}{}", stage, command.name(),
               command.node.value(), command.tries, command.what, command.line, output,
               output.empty() || output.back() == '\n' ? "" : "\n");
  }
  return {};
}

}  // namespace

Result<int> run(const LogsOptions& options) {
  MNP_TRY(const auto store, open_store(options.store));
  MNP_TRY(const auto found, find_run(store, options.run));
  MNP_TRY(const auto stages, chosen_stages(found, options));
  if (options.failed) {
    for (const auto& stage : stages) MNP_CHECK(print_failed(found, stage.spec.name, options));
  } else if (options.runtime) {
    MNP_CHECK(refuse_logs_elsewhere(found, stages));
    MNP_CHECK(read_all_of<RuntimeReader>(found, stages, options));
  } else {
    MNP_CHECK(read_all_of<OutputReader>(found, stages, options));
  }
  return 0;
}

}  // namespace mnp::launcher
