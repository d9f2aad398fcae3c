// A plan for people and for programs, as `mnp plan` and `mnp run --dry-run` show it.
#pragma once

#include <string>

#include "mnp/model/plan.hpp"

namespace mnp::launcher {

/// Stages, nodes, commands, what they wait for, and when Batch tries them again.
std::string plan_to_text(const model::Plan& plan);

/// {name, stages: [{name, nodes, commands, program, after, attempts, evaluate_on_exit:
/// [{onExitCode, onReason, onStatusReason, action}]}]}: one line.
std::string plan_summary_json(const model::Plan& plan);

}  // namespace mnp::launcher
