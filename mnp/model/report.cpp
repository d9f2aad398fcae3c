#include "mnp/model/report.hpp"

#include <cerrno>

#include <nlohmann/json.hpp>

#include "mnp/model/json_line.hpp"

namespace mnp::model {
namespace {

// What a shell says of a program that cannot be started.
constexpr int kNotExecutable = 126, kNoProgram = 127;
constexpr size_t kRowBytes = size_t{1} << 20;  // are written at once

std::string_view state_word(CommandState state) {
  switch (state) {
    case CommandState::kSucceeded:
      return "succeeded";
    case CommandState::kFailed:
      return "failed";
    case CommandState::kTimedOut:
      return "timed_out";
    case CommandState::kPoisoned:
      return "poisoned";
    case CommandState::kWaiting:
    case CommandState::kInFlight:
    case CommandState::kRan:
      break;
  }
  return "not_run";
}

void write_ending(JsonWriter& out, const Ending& ending) {
  if (ending.kind == Ending::Kind::kExited)
    out.member("exit").integer(ending.value);
  else if (ending.kind == Ending::Kind::kSignalled)
    out.member("signal").integer(ending.value);
  else if (ending.kind == Ending::Kind::kNotStarted)
    out.member("exit").integer(ending.value == ENOENT ? kNoProgram : kNotExecutable);
}

void write_record(JsonWriter& out, const Outcome& outcome) {
  write_ending(out, outcome.ending);
  out.member("tries").number(outcome.tries).member("node").number(outcome.node.value());
  out.member("slot").number(outcome.slot.value());
  out.member("start").seconds(outcome.started).member("end").seconds(outcome.ended);
  out.member("cpu_s").seconds(outcome.cpu_seconds);
  out.member("max_rss_kib").number(outcome.max_rss_kib);
}

/// Why a command without an exit code of its own failed.
std::string error_of(const Outcomes& outcomes, CommandIndex command, const Outcome& outcome) {
  const auto found = outcomes.errors.find(command);
  if (found != outcomes.errors.end()) return found->second;
  return outcome.ending.kind == Ending::Kind::kNotStarted ? to_text(outcome.ending) : "";
}

}  // namespace

std::string progress_to_json(const Progress& progress) {
  nlohmann::ordered_json json;
  json["state"] = progress.state;
  json["attempt"] = progress.attempt;
  json["nodes"] = progress.nodes;
  json["joined"] = progress.joined;
  json["total"] = progress.total;
  json["done"] = progress.done;
  json["failed"] = progress.failed;
  json["running"] = progress.running;
  json["started"] = progress.started;
  json["ended"] = progress.ended;
  json["updated"] = progress.updated;
  json["status"] = progress.status;
  json["text"] = progress.text;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Result<Progress> progress_from_json(std::string_view text) {
  Progress progress;
  try {
    const auto json = nlohmann::json::parse(text);
    json.at("state").get_to(progress.state);
    json.at("attempt").get_to(progress.attempt);
    json.at("nodes").get_to(progress.nodes);
    json.at("joined").get_to(progress.joined);
    json.at("total").get_to(progress.total);
    json.at("done").get_to(progress.done);
    json.at("failed").get_to(progress.failed);
    json.at("running").get_to(progress.running);
    json.at("started").get_to(progress.started);
    json.at("ended").get_to(progress.ended);
    json.at("updated").get_to(progress.updated);
    json.at("status").get_to(progress.status);
    json.at("text").get_to(progress.text);
  } catch (const nlohmann::json::exception& error) {
    return fail(Code::kProtocol, std::string("progress: ") + error.what());
  }
  return progress;
}

Status outcomes_to_jsonl(const Outcomes& outcomes,
                         const std::function<Status(std::string_view)>& write) {
  std::string text;
  JsonWriter out(text);
  for (uint32_t i = 0; i < outcomes.commands.size(); ++i) {
    const Outcome& outcome = outcomes.commands[i];
    out.raw("{\"index\":").number(i);
    out.member("state").raw("\"").raw(state_word(outcome.state)).raw("\"");
    if (outcome.start > 0)
      write_record(out, outcome);
    else
      out.member("tries").number(outcome.tries);
    if (const std::string error = error_of(outcomes, CommandIndex(i), outcome); !error.empty())
      out.member("error").text(error);
    out.raw("}\n");
    if (text.size() < kRowBytes && i + 1 < outcomes.commands.size()) continue;
    MNP_CHECK(write(text));
    text.clear();
  }
  return {};
}

}  // namespace mnp::model
