#include "mnp/node/programs.hpp"

#include <unistd.h>

#include <cstdlib>

#include "cpu/start_plan.hpp"
#include "mnp/core/files.hpp"

extern char** environ;

namespace mnp::node {

Result<std::string> find_program_of_ours(const std::string& name) {
  std::error_code error;
  const fs::path beside = fs::read_symlink("/proc/self/exe", error).parent_path() / name;
  if (!error && ::access(beside.c_str(), X_OK) == 0) return beside.string();
  auto found = find_on_path(name);
  if (found) return found;
  return fail(Code::kConfig, name + " is neither beside mnp-node (in " +
                                 beside.parent_path().string() +
                                 ") nor on PATH; install all programs of mnp in one folder");
}

Result<std::string> find_on_path(const std::string& name) {
  if (const auto found = cpu::find_program(name, std::getenv("PATH"))) return *found;
  return fail(Code::kConfig, name + " is not on PATH" +
                                 (name == "mpirun" ? "; install Open MPI in the image" : ""));
}

std::vector<std::string> own_environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

}  // namespace mnp::node
