// What is sent to Batch, checked before.
#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "aws/batch.hpp"
#include "aws/json_call.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

constexpr const char* kAllNodes = "0:";
constexpr uint32_t kLeastMemory = 4;  // MiB; what Docker needs
constexpr size_t kMaxShare = 255;
constexpr int kMaxPriority = 9999;

// ---- requests

/// An object of a name and a value each, as Batch has lists of pairs.
Json pair_of(const char* key, const std::string& name, const std::string& value) {
  return Json::object({{key, name}, {"value", value}});
}

Json variables(const std::map<std::string, std::string>& environment) {
  Json list = Json::array();
  for (const auto& [name, value] : environment) list.push_back(pair_of("name", name, value));
  return list;
}

Json resources(const JobDefinition& definition) {
  Json list = Json::array();
  list.push_back(pair_of("type", "VCPU", std::to_string(definition.vcpus)));
  list.push_back(pair_of("type", "MEMORY", std::to_string(definition.memory_mib)));
  if (definition.gpus > 0) list.push_back(pair_of("type", "GPU", std::to_string(definition.gpus)));
  return list;
}

void add_linux_parameters(const JobDefinition& definition, Json& container) {
  if (definition.shm_mib > 0) container["linuxParameters"]["sharedMemorySize"] = definition.shm_mib;
  for (const std::string& path : definition.devices) {
    Json device = Json::object({{"hostPath", path}, {"containerPath", path}});
    for (const char* right : {"READ", "WRITE", "MKNOD"}) device["permissions"].push_back(right);
    container["linuxParameters"]["devices"].push_back(std::move(device));
  }
}

void add_mounts(const JobDefinition& definition, Json& container) {
  for (size_t i = 0; i < definition.mounts.size(); ++i) {
    const JobDefinition::Mount& mount = definition.mounts[i];
    Json volume, point;
    volume["name"] = point["sourceVolume"] = fmt::format("volume-{}", i);
    volume["host"]["sourcePath"] = mount.host;
    point["containerPath"] = mount.container;
    point["readOnly"] = mount.read_only;
    container["volumes"].push_back(std::move(volume));
    container["mountPoints"].push_back(std::move(point));
  }
}

void add_log(const JobDefinition& definition, Json& container) {
  if (definition.log_group.empty()) return;
  Json& log = container["logConfiguration"];
  log["logDriver"] = "awslogs";
  log["options"]["awslogs-group"] = definition.log_group;
  if (!definition.log_prefix.empty())
    log["options"]["awslogs-stream-prefix"] = definition.log_prefix;
}

Json container_of(const JobDefinition& definition) {
  Json container;
  container["image"] = definition.image;
  container["resourceRequirements"] = resources(definition);
  if (!definition.command.empty()) container["command"] = definition.command;
  if (!definition.environment.empty()) container["environment"] = variables(definition.environment);
  if (!definition.instance_type.empty()) container["instanceType"] = definition.instance_type;
  if (!definition.job_role.empty()) container["jobRoleArn"] = definition.job_role;
  if (!definition.execution_role.empty()) container["executionRoleArn"] = definition.execution_role;
  for (const JobDefinition::Limit& limit : definition.ulimits)
    container["ulimits"].push_back(
        Json::object({{"name", limit.name}, {"softLimit", limit.soft}, {"hardLimit", limit.hard}}));
  add_linux_parameters(definition, container);
  add_mounts(definition, container);
  add_log(definition, container);
  return container;
}

Json retry_strategy(const model::SubmitJob& request) {
  Json strategy;
  strategy["attempts"] = request.attempts;
  for (const model::RetryRule& rule : request.rules) {
    Json json;
    json["action"] = rule.retry ? "RETRY" : "EXIT";
    if (!rule.on_exit_code.empty()) json["onExitCode"] = rule.on_exit_code;
    if (!rule.on_reason.empty()) json["onReason"] = rule.on_reason;
    if (!rule.on_status_reason.empty()) json["onStatusReason"] = rule.on_status_reason;
    strategy["evaluateOnExit"].push_back(std::move(json));
  }
  return strategy;
}

Json node_overrides(const model::SubmitJob& request) {
  Json overrides;
  overrides["numNodes"] = request.num_nodes;
  Json container;
  if (!request.command.empty()) container["command"] = request.command;
  if (!request.environment.empty()) container["environment"] = variables(request.environment);
  if (container.is_null()) return overrides;
  Json range;
  range["targetNodes"] = kAllNodes;
  range["containerOverrides"] = std::move(container);
  overrides["nodePropertyOverrides"].push_back(std::move(range));
  return overrides;
}

void add_tags(const std::map<std::string, std::string>& tags, Json& body) {
  if (tags.empty()) return;
  body["tags"] = tags;
  body["propagateTags"] = true;
}

// ---- checks

bool is_word(const std::string& text, size_t most) {
  return !text.empty() && text.size() <= most &&
         std::isalnum(static_cast<unsigned char>(text.front())) != 0 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
         });
}

size_t characters(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & '\xc0') != '\x80'; }));
}

Status check_tags(const std::map<std::string, std::string>& tags) {
  if (tags.size() > kMaxTags)
    return fail(Code::kConfig,
                fmt::format("{} tags; at most {} are allowed", tags.size(), kMaxTags));
  for (const auto& [key, value] : tags) {
    if (key.empty() || characters(key) > kMaxTagKey || starts_with(lower(key), "aws:"))
      return fail(Code::kConfig, fmt::format("tag '{}': a key has 1 to {} characters and does not "
                                             "begin with aws:",
                                             key, kMaxTagKey));
    if (characters(value) > kMaxTagValue)
      return fail(Code::kConfig, fmt::format("tag {}: its value has {} characters; at most {} are "
                                             "allowed",
                                             key, characters(value), kMaxTagValue));
  }
  return {};
}

Status check_environment(const std::map<std::string, std::string>& environment) {
  for (const auto& [name, value] : environment)
    if (name.empty() || starts_with(name, "AWS_BATCH"))
      return fail(Code::kConfig, fmt::format("variable '{}': names that start with AWS_BATCH are "
                                             "Batch's own",
                                             name));
  return {};
}

Status check_bytes(const std::string& what, const std::string& body, size_t most,
                   const char* remedy) {
  if (body.size() <= most) return {};
  return fail(Code::kConfig, fmt::format("{} has {} bytes as JSON; at most {} are allowed: {}",
                                         what, body.size(), most, remedy));
}

Status check_size(const JobDefinition& definition) {
  if (definition.num_nodes < 1 || definition.num_nodes > model::kMaxJobNodes)
    return fail(Code::kConfig, fmt::format("{} nodes; 1 to {} are allowed", definition.num_nodes,
                                           model::kMaxJobNodes));
  if (definition.main_node >= definition.num_nodes)
    return fail(Code::kConfig, fmt::format("main node {} of {} nodes, which count from 0",
                                           definition.main_node, definition.num_nodes));
  if (definition.vcpus < 1) return fail(Code::kConfig, "a container needs at least 1 vCPU");
  if (definition.memory_mib < kLeastMemory)
    return fail(Code::kConfig,
                fmt::format("a container needs at least {} MiB of memory", kLeastMemory));
  return {};
}

}  // namespace

Status check(const JobDefinition& definition) {
  if (!is_word(definition.name, model::kMaxJobName))
    return fail(Code::kConfig, fmt::format("job definition '{}': a name has up to {} letters, "
                                           "digits, - and _, a letter or digit first",
                                           definition.name, model::kMaxJobName));
  if (definition.image.empty()) return fail(Code::kConfig, "a job definition needs an image");
  MNP_CHECK(check_size(definition));
  MNP_CHECK(check_environment(definition.environment));
  MNP_CHECK(check_tags(definition.tags));
  return check_bytes("job definition " + definition.name, register_body(definition),
                     kMaxDefinitionBytes, "put what is long in its environment into the image");
}

namespace {

Status check_place(const JobPlace& place) {
  if (place.definition.empty()) return fail(Code::kConfig, "a job needs a job definition");
  const bool family = place.share.size() > 1 && place.share.back() == '*';
  const bool word =
      std::all_of(place.share.begin(), place.share.end() - (family ? 1 : 0),
                  [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; });
  if (place.share.size() > kMaxShare || !word)
    return fail(Code::kConfig, fmt::format("share identifier '{}': up to {} letters and digits, "
                                           "with a * behind them or without",
                                           place.share, kMaxShare));
  if (place.priority && (*place.priority < 0 || *place.priority > kMaxPriority))
    return fail(Code::kConfig,
                fmt::format("priority {}; 0 to {} are allowed", *place.priority, kMaxPriority));
  return check_tags(place.tags);
}

}  // namespace

Status check(const model::SubmitJob& request, const JobPlace& place) {
  MNP_CHECK(model::check_request(request));
  MNP_CHECK(check_place(place));
  return check_bytes("the request for job " + request.name, submit_body(request, place),
                     kMaxSubmitBytes, "shorten its tags, or depend on fewer jobs");
}

std::string register_body(const JobDefinition& definition) {
  Json range;
  range["targetNodes"] = kAllNodes;
  range["container"] = container_of(definition);
  Json body;
  body["jobDefinitionName"] = definition.name;
  body["type"] = "multinode";
  Json& nodes = body["nodeProperties"];
  nodes["numNodes"] = definition.num_nodes;
  nodes["mainNode"] = definition.main_node;
  nodes["nodeRangeProperties"].push_back(std::move(range));
  add_tags(definition.tags, body);
  return body_text(body);
}

std::string submit_body(const model::SubmitJob& request, const JobPlace& place) {
  Json body;
  body["jobName"] = request.name;
  body["jobQueue"] = request.queue;
  body["jobDefinition"] = place.definition;
  body["nodeOverrides"] = node_overrides(request);
  body["retryStrategy"] = retry_strategy(request);
  for (const std::string& id : request.depends_on)
    body["dependsOn"].push_back(Json::object({{"jobId", id}}));
  if (request.timeout) body["timeout"]["attemptDurationSeconds"] = request.timeout->count();
  if (!place.share.empty()) body["shareIdentifier"] = place.share;
  if (place.priority) body["schedulingPriorityOverride"] = *place.priority;
  add_tags(place.tags, body);
  return body_text(body);
}

}  // namespace mnp::aws
