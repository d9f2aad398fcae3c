// `mnp list`: the runs of a store.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "launcher/cli.hpp"
#include "launcher/commands.hpp"
#include "launcher/run_state.hpp"
#include "launcher/table.hpp"
#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

/// A run that cannot be read is named, and does not hide the others.
RunState state_of(const RunFolder& run) {
  if (auto state = read_run_state(run)) return *state;
  RunState unknown;
  unknown.run = run.id;
  unknown.state = "UNREADABLE";
  return unknown;
}

double duration_of(const RunState& state) {
  if (state.started == 0) return 0;
  const double until = state.state == "RUNNING" ? wall_seconds() : state.ended;
  return until > state.started ? until - state.started : 0;
}

std::string as_json(const std::vector<RunState>& states) {
  auto list = nlohmann::ordered_json::array();
  for (const RunState& state : states) {
    nlohmann::ordered_json json;
    json["run"] = state.run;
    json["state"] = state.state;
    json["pipeline"] = state.pipeline;
    json["started"] = state.started;
    json["duration"] = duration_of(state);
    list.push_back(std::move(json));
  }
  return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string as_table(const std::vector<RunState>& states) {
  Table table({"RUN", "STATE", "PIPELINE", "STARTED", "DURATION"});
  for (const RunState& state : states)
    table.add({state.run, state.state, state.pipeline,
               state.started > 0 ? iso_time(state.started) : "-",
               state.started > 0 ? format_duration(duration_of(state)) : "-"});
  return table.text();
}

}  // namespace

Result<int> run(const ListOptions& options) {
  MNP_TRY(const auto store, open_store(options.store));
  MNP_TRY(const auto runs, all_runs(store));
  std::vector<RunState> states;
  for (const RunFolder& each : runs) states.push_back(state_of(each));
  if (options.json)
    fmt::print("{}", as_json(states));
  else if (states.empty())
    tell(fmt::format("no runs in {}", store.name));
  else
    fmt::print("{}", as_table(states));
  return 0;
}

}  // namespace mnp::launcher
