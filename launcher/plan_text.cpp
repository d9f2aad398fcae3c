#include "launcher/plan_text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "launcher/table.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/batch.hpp"

namespace mnp::launcher {
namespace {

using Json = nlohmann::ordered_json;

std::string condition_of(const model::RetryRule& rule) {
  std::vector<std::string> conditions;
  if (!rule.on_exit_code.empty()) conditions.push_back("exit status " + rule.on_exit_code);
  if (!rule.on_status_reason.empty()) conditions.push_back("\"" + rule.on_status_reason + "\"");
  if (!rule.on_reason.empty()) conditions.push_back("reason \"" + rule.on_reason + "\"");
  return join(conditions, " and ");
}

Json rules_json() {
  Json list = Json::array();
  for (const auto& rule : model::standard_retry_rules()) {
    Json json;
    if (!rule.on_exit_code.empty()) json["onExitCode"] = rule.on_exit_code;
    if (!rule.on_reason.empty()) json["onReason"] = rule.on_reason;
    if (!rule.on_status_reason.empty()) json["onStatusReason"] = rule.on_status_reason;
    json["action"] = rule.retry ? "RETRY" : "EXIT";
    list.push_back(std::move(json));
  }
  return list;
}

}  // namespace

std::string plan_to_text(const model::Plan& plan) {
  Table table({"STAGE", "NODES", "COMMANDS", "ATTEMPTS", "AFTER"});
  for (const auto& stage : plan.stages)
    table.add({stage.spec.name, std::to_string(stage.spec.nodes),
               stage.spec.program.empty() ? std::to_string(stage.commands) : "program",
               std::to_string(stage.spec.retry_attempts),
               stage.after.empty() ? "-" : join(stage.after, ", ")});
  std::vector<std::string> retried;
  for (const auto& rule : model::standard_retry_rules())
    if (rule.retry) retried.push_back(condition_of(rule));
  return fmt::format("{}\n{}tried again after: {}; not after any other end\n", plan.name,
                     table.text(), join(retried, ", "));
}

std::string plan_summary_json(const model::Plan& plan) {
  Json json;
  json["name"] = plan.name;
  json["stages"] = Json::array();
  for (const auto& stage : plan.stages) {
    Json each;
    each["name"] = stage.spec.name;
    each["nodes"] = stage.spec.nodes;
    each["commands"] = stage.commands;
    each["program"] = stage.spec.program;
    each["after"] = stage.after;
    each["attempts"] = stage.spec.retry_attempts;
    each["evaluate_on_exit"] = rules_json();
    json["stages"].push_back(std::move(each));
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace mnp::launcher
