#include "cpu/start_plan.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "cpu/shell_words.hpp"

namespace mnp::cpu {
namespace {

std::string_view name_of(std::string_view entry) {
  return entry.substr(0, entry.find('=') + 1);
}

bool is_regular(const char* path) {
  struct stat info {};
  return ::stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

const char* find_entry(const std::vector<char*>& environment, std::string_view name) {
  for (const char* entry : environment)
    if (entry && std::strncmp(entry, name.data(), name.size()) == 0) return entry + name.size();
  return nullptr;
}

/// execve takes char*, and changes nothing.
char* mutable_text(const std::string& text) {
  return const_cast<char*>(text.c_str());
}

}  // namespace

std::optional<std::string> find_program(const std::string& name, const char* path) {
  if (name.find('/') != std::string::npos) return name;  // the kernel resolves it after chdir
  std::string_view rest = path ? path : "";
  std::string candidate;
  while (!rest.empty()) {
    const size_t end = rest.find(':');
    const std::string_view folder = rest.substr(0, end);
    if (folder.empty() || folder[0] != '/') return std::nullopt;
    candidate.assign(folder).append("/").append(name);
    if (is_regular(candidate.c_str())) {
      if (::faccessat(AT_FDCWD, candidate.c_str(), X_OK, AT_EACCESS) != 0) return std::nullopt;
      return candidate;
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
    if (rest.empty()) return std::nullopt;  // "...:" means the working directory last
  }
  return std::nullopt;
}

/// The starts of a slot differ in the values of `extra` alone: what these names leave of `base` is
/// found once, for a stage's environment is long.
bool StartPlan::is_as_before(const Start& start) const {
  const auto same = [](const std::string& name, const std::string& entry) {
    return name_of(entry) == name;
  };
  return start.base == base_ && start.cwd.empty() == pwd_.empty() &&
         std::equal(names_.begin(), names_.end(), start.extra.begin(), start.extra.end(), same);
}

void StartPlan::keep_base(const Start& start) {
  base_ = start.base;
  names_.clear();
  kept_.clear();
  for (const std::string& entry : start.extra) names_.emplace_back(name_of(entry));
  if (!base_) return;
  for (const std::string& entry : *base_) {
    const std::string_view name = name_of(entry);
    const bool replaced = (!start.cwd.empty() && name == "PWD=") ||
                          std::find(names_.begin(), names_.end(), name) != names_.end();
    if (!replaced) kept_.push_back(mutable_text(entry));
  }
}

void StartPlan::prepare_environment(const Start& start) {
  if (!is_as_before(start)) keep_base(start);
  pwd_ = start.cwd.empty() ? "" : "PWD=" + start.cwd;
  environment_ = kept_;
  for (const std::string& entry : start.extra) environment_.push_back(mutable_text(entry));
  if (!pwd_.empty()) environment_.push_back(pwd_.data());
  environment_.push_back(nullptr);
}

void StartPlan::prepare_arguments(const Start& start) {
  argv_.clear();
  shell_argv_.clear();
  plan_.path = nullptr;
  plan_.shell_argv = nullptr;
  const char* const path = find_entry(environment_, "PATH=");
  if (!start.argv.empty()) {
    words_ = start.argv;
    path_ = find_program(words_[0], path).value_or(words_[0]);
    plan_.path = path_.c_str();
  } else {
    static const std::string shell = "/bin/sh", option = "-c", end_of_options = "--";
    shell_argv_ = {mutable_text(shell), mutable_text(option)};
    if (start.line.find_first_of("-+") == 0) shell_argv_.push_back(mutable_text(end_of_options));
    shell_argv_.insert(shell_argv_.end(), {mutable_text(start.line), nullptr});
    plan_.shell_argv = shell_argv_.data();
    // Exported functions of bash (BASH_FUNC_which%%) may stand for any word.
    auto words = find_entry(environment_, "BASH_FUNC_") ? std::nullopt : plain_words(start.line);
    auto found = words ? find_program((*words)[0], path) : std::nullopt;
    if (!found) return;
    words_ = std::move(*words);
    path_ = std::move(*found);
    plan_.path = path_.c_str();
  }
  for (const std::string& word : words_) argv_.push_back(mutable_text(word));
  argv_.push_back(nullptr);
  plan_.argv = argv_.data();
}

LaunchPlan& StartPlan::prepare(const Start& start) {
  prepare_environment(start);
  prepare_arguments(start);
  plan_.environment = environment_.data();
  plan_.cwd = start.cwd.empty() ? nullptr : start.cwd.c_str();
  plan_.cpus = nullptr;
  if (!start.cpus.empty()) {
    CPU_ZERO(&cpus_);
    for (const int cpu : start.cpus)
      if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(cpu, &cpus_);
    plan_.cpus = &cpus_;
  }
  return plan_;
}

}  // namespace mnp::cpu
