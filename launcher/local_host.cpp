#include "launcher/local_host.hpp"

#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>

#include <fmt/format.h>

#include "launcher/node_environment.hpp"
#include "launcher/planning.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/environment.hpp"

namespace mnp::launcher {
namespace {

constexpr size_t kSocketPath = sizeof(sockaddr_un::sun_path) - 1;

Result<int> main_port() {
  const char* const text = std::getenv(model::kPort);
  if (text == nullptr || *text == '\0') return model::kDefaultPort;
  const auto port = parse_integer(text);
  if (port && *port >= 1024 && *port <= 65534) return static_cast<int>(*port);
  return fail(Code::kConfig, fmt::format("{} is '{}'; write a port from 1024 to 65534, or unset it",
                                         model::kPort, text));
}

Result<fs::path> temporary_folder(uint32_t nodes) {
  std::error_code error;
  const fs::path folder = fs::temp_directory_path(error);
  if (error)
    return fail(Code::kConfig, fmt::format("TMPDIR names no folder: {}; type TMPDIR=/tmp mnp ...",
                                           error.message()));
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    return fail(Code::kConfig,
                fmt::format("TMPDIR {}: nodes cannot write there; name another folder, as in "
                            "TMPDIR=/tmp mnp ...",
                            folder.string()));
  const size_t size = fs::absolute(folder).string().size(), most = longest_temporary(nodes);
  if (size > most)
    return fail(Code::kConfig,
                fmt::format("TMPDIR {} has {} bytes and may have {}: nodes make Unix sockets below "
                            "it, whose paths are short; name another folder, as in "
                            "TMPDIR=/tmp mnp ...",
                            folder.string(), size, most));
  return folder;
}

}  // namespace

size_t longest_temporary(uint32_t nodes) {
  // <tmp>/mnp-k3f9-00ac902f-XXXXXX/<node>/mnp-00ac902f-<attempt>-<node>.<incarnation>-<pid>/agent.sock
  const size_t digits = std::to_string(nodes > 0 ? nodes - 1 : 0).size();
  const size_t below = std::string_view("/mnp-k3f9-00ac902f-XXXXXX/").size() + digits +
                       std::string_view("/mnp-00ac902f-10-").size() + digits +
                       std::string_view(".1-4194304/agent.sock").size();
  return kSocketPath - below;
}

Result<std::string> find_node_program() {
  std::vector<fs::path> folders{program_folder()};
  const char* path = std::getenv("PATH");
  for (const std::string& folder : split(path == nullptr ? "" : path, ':'))
    if (!folder.empty()) folders.emplace_back(folder);
  for (const fs::path& folder : folders)
    if (const fs::path program = fs::absolute(folder / "mnp-node");
        ::access(program.c_str(), X_OK) == 0)
      return program.string();
  return fail(Code::kConfig, fmt::format("mnp-node is neither beside mnp (in {}) nor on PATH; "
                                         "install both programs in one folder",
                                         folders.front().string()));
}

void remove_left_scratch(const std::string& run, const Submitted& submitted) {
  std::error_code error;
  const fs::path temporary = fs::temp_directory_path(error);
  const auto names = list_folder(temporary);
  if (error || !names) return;
  for (const auto& submission : submitted.submissions)
    for (const auto& job : submission.jobs)
      for (const std::string& name : *names)
        if (starts_with(name, scratch_prefix(run, job.detail.id)))
          (void)remove_tree(temporary / name);
}

Result<LocalHost> local_host(uint32_t nodes) {
  LocalHost host;
  MNP_TRY(host.node_program, find_node_program());
  MNP_TRY(host.temporary, temporary_folder(nodes));
  MNP_TRY(host.port, main_port());
  return host;
}

}  // namespace mnp::launcher
