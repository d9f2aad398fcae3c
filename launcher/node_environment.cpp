#include "launcher/node_environment.hpp"

#include <map>

#include "launcher/node_process.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/environment.hpp"

extern char** environ;

namespace mnp::launcher {
namespace {

bool is_passed_on(std::string_view name) {
  if (name == model::kLog || name == model::kPort) return true;
  return !starts_with(name, "AWS_BATCH_") && !starts_with(name, "MNP_") && name != "ARRAY_SIZE" &&
         name != model::kListFile;
}

std::map<std::string, std::string> own_environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    if (is_passed_on(text.substr(0, equals)))
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

}  // namespace

std::vector<std::string> node_environment(const model::SubmitJob& request, const LocalNode& node) {
  auto variables = own_environment();
  for (const auto& [name, value] : request.environment) variables[name] = value;
  std::string& path = variables["PATH"];
  path = node.bin.string() + ":" + (path.empty() ? "/usr/bin:/bin" : path);
  variables["AWS_BATCH_JOB_ID"] = node.job + "#" + std::to_string(node.index);
  variables["AWS_BATCH_JOB_ATTEMPT"] = std::to_string(node.attempt);
  variables["AWS_BATCH_JOB_NODE_INDEX"] = std::to_string(node.index);
  variables["AWS_BATCH_JOB_NUM_NODES"] = std::to_string(request.num_nodes);
  variables["AWS_BATCH_JOB_MAIN_NODE_INDEX"] = std::to_string(request.main_node);
  if (node.index != request.main_node)
    variables["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"] = node.main_address;
  variables["AWS_BATCH_JQ_NAME"] = request.queue;
  variables["AWS_BATCH_CE_NAME"] = "local";
  variables[model::kNodeAddress] = node.address;
  variables[model::kScratchRoot] = node.scratch.string();
  variables[model::kLifeline] = std::to_string(kLifelineFd);
  variables[model::kRunLock] = node.lock.string();
  std::vector<std::string> entries;
  entries.reserve(variables.size());
  for (const auto& [name, value] : variables) entries.push_back(name + "=" + value);
  return entries;
}

std::string scratch_prefix(const std::string& run, const std::string& job) {
  const size_t dash = run.rfind('-');
  const std::string suffix = dash == std::string::npos ? run : run.substr(dash + 1);
  return "mnp-" + suffix.substr(0, 8) + "-" + job.substr(0, 8) + "-";
}

}  // namespace mnp::launcher
