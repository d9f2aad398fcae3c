// What a node starts for a peer that holds the key: MPI daemons with arguments from these tables.
#include <algorithm>
#include <array>
#include <span>

#include "mnp/core/text.hpp"
#include "mnp/node/rsh_request.hpp"

namespace mnp::node {
namespace {

enum class Takes {
  kNothing,
  kText,       // any text without control characters
  kLauncher,   // "ssh" or "rsh"
  kAgent,      // a path of mnp-rsh
  kBasePath,   // the folder that the program itself is in
  kParameter,  // name and value of an MCA parameter
};
struct Option {
  std::string_view name;  // without dashes
  Takes takes;
};
struct Program {
  std::string_view name;
  std::span<const Option> options;
  std::string_view then = {};  // may be named after the options, with options of its own
};

// `orted --help` of Open MPI 4.1 and what plm_rsh_module.c and PRRTE's plm_ssh_module.c write; left
// out is what debugs, opens terminals or writes to files.
constexpr Option kOpenMpiOptions[] = {{"mca", Takes::kParameter},
                                      {"gmca", Takes::kParameter},
                                      {"prtemca", Takes::kParameter},
                                      {"gprtemca", Takes::kParameter},
                                      {"pmixmca", Takes::kParameter},
                                      {"gpmixmca", Takes::kParameter},
                                      {"omca", Takes::kParameter},
                                      {"tree-spawn", Takes::kNothing},
                                      {"daemonize", Takes::kNothing},
                                      {"set-sid", Takes::kNothing},
                                      {"debug", Takes::kNothing},
                                      {"debug-daemons", Takes::kNothing},
                                      {"report-bindings", Takes::kNothing},
                                      {"leave-session-attached", Takes::kNothing},
                                      {"hnp-uri", Takes::kText},
                                      {"allow-run-as-root", Takes::kNothing},
                                      {"parent-uri", Takes::kText},
                                      {"nodes", Takes::kText},
                                      {"tmpdir", Takes::kText}};
// MPICH's pmip_utils.c and hydra's lib/utils; abort-signal and tree-level are Intel's.
constexpr Option kPmiProxyOptions[] = {
    {"control-port", Takes::kText},  {"proxy-id", Takes::kText},
    {"pgid", Takes::kText},          {"debug", Takes::kNothing},
    {"topo-debug", Takes::kNothing}, {"usize", Takes::kText},
    {"pmi-port", Takes::kText},      {"gpus-per-proc", Takes::kText},
    {"rmk", Takes::kText},           {"gpu-subdevs-per-proc", Takes::kText},
    {"demux", Takes::kText},         {"launcher", Takes::kLauncher},
    {"iface", Takes::kText},         {"launcher-exec", Takes::kAgent},
    {"topolib", Takes::kText},       {"retries", Takes::kText},
    {"auto-cleanup", Takes::kText},  {"abort-signal", Takes::kText},
    {"tree-level", Takes::kText}};
constexpr Option kBootstrapOptions[] = {{"upstream-host", Takes::kText},
                                        {"upstream-port", Takes::kText},
                                        {"pgid", Takes::kText},
                                        {"launcher", Takes::kLauncher},
                                        {"launcher-number", Takes::kText},
                                        {"launcher-exec", Takes::kAgent},
                                        {"base-path", Takes::kBasePath},
                                        {"tree-width", Takes::kText},
                                        {"tree-level", Takes::kText},
                                        {"iface", Takes::kText},
                                        {"time-left", Takes::kText},
                                        {"launch-type", Takes::kText},
                                        {"proxy-id", Takes::kText},
                                        {"node-id", Takes::kText},
                                        {"subtree-size", Takes::kText},
                                        {"port-range", Takes::kText},
                                        {"debug", Takes::kNothing}};
constexpr Program kPrograms[] = {{"orted", kOpenMpiOptions},
                                 {"prted", kOpenMpiOptions},
                                 {"hydra_pmi_proxy", kPmiProxyOptions},
                                 {"hydra_bstrap_proxy", kBootstrapOptions, "hydra_pmi_proxy"}};

// MCA parameters begin with their framework.
constexpr std::string_view kFrameworks[] = {
    "PREFIXES", "accelerator", "allocator", "backtrace", "bml",     "btl",    "coll",  "common",
    "errmgr",   "ess",         "fbtl",      "fcoll",     "filem",   "fs",     "gds",   "grpcomm",
    "hwloc",    "if",          "io",        "iof",       "memory",  "mpi",    "mpool", "mtl",
    "odls",     "ompi",        "oob",       "op",        "opal",    "orte",   "osc",   "patcher",
    "plm",      "pml",         "pmix",      "preg",      "prte",    "psec",   "ptl",   "ras",
    "rcache",   "reachable",   "regx",      "rmaps",     "rml",     "routed", "rtc",   "schizo",
    "sharedfp", "shmem",       "smsc",      "state",     "threads", "timer",  "topo",  "vprotocol"};
// Names with these load code, run programs or change environments.
constexpr std::string_view kBarred[] = {"component_path", "param_file", "envar",       "env_list",
                                        "launch_agent",   "fork_agent", "exec_agent",  "debugger",
                                        "xterm",          "preload",    "_daemon_path"};
constexpr std::string_view kAgentParameters[] = {"plm_rsh_agent", "plm_ssh_agent"};

constexpr std::string_view kPathVariables[] = {"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"};
constexpr std::string_view kPrefixVariables[] = {"OPAL_PREFIX", "PMIX_PREFIX", "PRTE_PREFIX",
                                                 "PMIX_INSTALL_PREFIX"};
constexpr size_t kMaxValue = size_t{64} << 10;  // orte_node_regex of a thousand nodes fits

bool contains(std::span<const std::string_view> all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/') + 1);
}

/// The folder of an absolute path, without doubled or trailing slashes.
std::string folder_of(std::string_view path) {
  std::string folder;
  for (const std::string& part : split(path.substr(0, path.size() - base_name(path).size()), '/'))
    if (!part.empty()) folder += "/" + part;
  return folder;
}

bool is_text(std::string_view value) {
  return value.size() <= kMaxValue && std::none_of(value.begin(), value.end(), [](char c) {
           return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
         });
}

const Program* find_program(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kPrograms), std::end(kPrograms),
                   [&](const Program& program) { return program.name == base_name(name); });
  return found == std::end(kPrograms) ? nullptr : found;
}

Status check_agent(std::string_view value) {
  if (base_name(value) != "mnp-rsh" || value.find_first_of(" :") != std::string_view::npos)
    return fail(Code::kDenied, "another launch agent than mnp-rsh: " + std::string(value));
  return {};
}

Status check_parameter(const std::string& name, const std::string& value) {
  const std::string_view framework = std::string_view(name).substr(0, name.find('_'));
  const bool proper = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
  const bool known =
      contains(kFrameworks, framework) || starts_with(framework, "prte");  // prtedl and the like
  if (!proper || !known) return fail(Code::kDenied, "MCA parameter " + name + " is not known");
  for (const std::string_view barred : kBarred)
    if (name.find(barred) != std::string::npos)
      return fail(Code::kDenied, "MCA parameter " + name + " is not allowed");
  if (contains(kAgentParameters, name)) return check_agent(value);
  if (name.find("_agent") != std::string::npos)
    return fail(Code::kDenied, "MCA parameter " + name + " is not allowed");
  return {};
}

/// One daemon's options in `args` from `at` on.
class OptionChecker {
 public:
  OptionChecker(const SpawnRequest& request, const Program& program)
      : request_(request), program_(&program) {}
  Status check();

 private:
  Status check_one(const Option& option);
  Status check_second_program(const std::string& path);
  Result<std::string> value_of(std::string_view option);

  const SpawnRequest& request_;
  const Program* program_;
  size_t at_ = 0;
};

Status OptionChecker::check() {
  while (at_ < request_.args.size()) {
    const std::string& word = request_.args[at_++];
    if (word.empty() || word[0] != '-') {
      MNP_CHECK(check_second_program(word));
      continue;
    }
    const std::string_view name = std::string_view(word).substr(starts_with(word, "--") ? 2 : 1);
    const auto found = std::find_if(program_->options.begin(), program_->options.end(),
                                    [&](const Option& option) { return option.name == name; });
    if (found == program_->options.end())
      return fail(Code::kDenied,
                  std::string(program_->name) + ": option " + word + " is not known");
    MNP_CHECK(check_one(*found));
  }
  return {};
}

Result<std::string> OptionChecker::value_of(std::string_view option) {
  if (at_ == request_.args.size())
    return fail(Code::kDenied, "option " + std::string(option) + " has no value");
  return request_.args[at_++];
}

Status OptionChecker::check_one(const Option& option) {
  if (option.takes == Takes::kNothing) return {};
  MNP_TRY(const std::string value, value_of(option.name));
  switch (option.takes) {
    case Takes::kAgent:
      return check_agent(value);
    case Takes::kLauncher:
      if (value == "ssh" || value == "rsh") return {};
      return fail(Code::kDenied, "another launcher than ssh: " + value);
    case Takes::kBasePath:
      if (folder_of(value + "/") == folder_of(request_.program)) return {};
      return fail(Code::kDenied, "the base path is not the program's folder: " + value);
    case Takes::kParameter: {
      MNP_TRY(const std::string setting, value_of(value));
      return check_parameter(value, setting);
    }
    case Takes::kText:
    case Takes::kNothing:
      break;
  }
  return {};
}

/// Intel's bootstrap proxy is told which proxy to start: the one beside it.
Status OptionChecker::check_second_program(const std::string& path) {
  if (program_->then.empty() || base_name(path) != program_->then ||
      folder_of(path) != folder_of(request_.program))
    return fail(Code::kDenied,
                std::string(program_->name) + ": argument " + path + " is not known");
  program_ = find_program(path);
  return {};
}

Status check_variable(const std::string& name, const EnvValue& value) {
  const bool is_path = contains(kPathVariables, name);
  if (!is_path && !contains(kPrefixVariables, name))
    return fail(Code::kDenied, "environment variable " + name + " is not allowed");
  std::string text;
  for (const EnvPiece& piece : value) {
    if (piece.reference && (!is_path || !contains(kPathVariables, piece.text)))
      return fail(Code::kDenied, name + " refers to $" + piece.text);
    text += piece.reference ? "/" : piece.text;
  }
  for (const std::string& folder : split(text, ':'))
    if (!folder.empty() && folder[0] != '/')
      return fail(Code::kDenied, name + " names a relative folder: " + folder);
  return is_text(text) ? Status() : fail(Code::kDenied, name + " holds control characters");
}

}  // namespace

Status check_spawn(const SpawnRequest& request) {
  const Program* program = find_program(request.program);
  const bool has_folder = request.program.find('/') != std::string::npos;
  if (program == nullptr || (has_folder && request.program[0] != '/'))
    return fail(Code::kDenied, "not a daemon of Open MPI, MPICH or Intel MPI: " + request.program);
  if (request.args.size() > kMaxArguments || request.env.size() > kMaxArguments)
    return fail(Code::kDenied, "too many arguments");
  for (const std::string& argument : request.args)
    if (!is_text(argument)) return fail(Code::kDenied, "an argument with control characters");
  for (const auto& [name, value] : request.env) MNP_CHECK(check_variable(name, value));
  return OptionChecker(request, *program).check();
}

}  // namespace mnp::node
