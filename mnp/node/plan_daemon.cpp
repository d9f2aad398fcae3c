#include "mnp/node/plan_daemon.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <string_view>

#include "mnp/core/text.hpp"

namespace mnp::node {
namespace {

using Environment = std::vector<std::string>;

std::string* find_entry(Environment& environment, std::string_view name) {
  for (std::string& entry : environment)
    if (starts_with(entry, name) && entry.size() > name.size() && entry[name.size()] == '=')
      return &entry;
  return nullptr;
}

std::string value_of(Environment& environment, std::string_view name) {
  const std::string* entry = find_entry(environment, name);
  return entry == nullptr ? "" : entry->substr(name.size() + 1);
}

void set_entry(Environment& environment, std::string_view name, std::string_view value) {
  std::string entry = std::string(name) + "=" + std::string(value);
  if (std::string* old = find_entry(environment, name))
    *old = std::move(entry);
  else
    environment.push_back(std::move(entry));
}

bool is_program(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

Result<std::string> find_program(const std::string& program, const std::string& search_path) {
  if (program[0] == '/') {
    if (is_program(program)) return program;
    return fail(Code::kNotFound, program + ": no such program on this node");
  }
  for (const std::string& folder : split(search_path, ':')) {
    const std::string path = folder + "/" + program;
    if (!folder.empty() && folder[0] == '/' && is_program(path)) return path;
  }
  return fail(Code::kNotFound, program + ": not in this node's PATH (" + search_path +
                                   "); the same MPI has to be on every node");
}

}  // namespace

Result<DaemonPlan> plan_daemon(const SpawnRequest& request, const std::vector<std::string>& base,
                               const std::vector<std::string>& extra) {
  MNP_CHECK(check_spawn(request));
  DaemonPlan plan;
  plan.environment = base;
  for (const auto& [name, pieces] : request.env) {
    std::string value;
    for (const EnvPiece& piece : pieces)
      value += piece.reference ? value_of(plan.environment, piece.text) : piece.text;
    set_entry(plan.environment, name, value);
  }
  for (const std::string& entry : extra) {
    const size_t equals = entry.find('=');
    MNP_ASSERT(equals != std::string::npos, "an environment entry without '='");
    set_entry(plan.environment, entry.substr(0, equals), entry.substr(equals + 1));
  }
  MNP_TRY(plan.path, find_program(request.program, value_of(plan.environment, "PATH")));
  plan.argv.push_back(request.program);
  plan.argv.insert(plan.argv.end(), request.args.begin(), request.args.end());
  return plan;
}

}  // namespace mnp::node
