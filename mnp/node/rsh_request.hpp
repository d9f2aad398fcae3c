// What mpirun asks its rsh agent for, read without a shell: "start your daemon on that host".
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "mnp/core/result.hpp"
#include "mnp/node/shell_text.hpp"

namespace mnp::node {

/// Value of an environment variable; references are expanded from the far side's environment.
using EnvValue = std::vector<EnvPiece>;

/// One daemon of an MPI launcher to be started on one node.
struct SpawnRequest {
  std::string host;
  std::string program;                                // as asked for: a name, or an absolute path
  std::vector<std::string> args;                      // without the program
  std::vector<std::pair<std::string, EnvValue>> env;  // in the order asked for

  bool operator==(const SpawnRequest&) const = default;
};

inline constexpr size_t kMaxRequest = size_t{128} << 10;  // bytes of all arguments together
inline constexpr size_t kMaxArguments = 512;

/// `arguments` as the agent program gets them, without its own name: options of ssh that Hydra
/// gives, the host, and the words of a shell command (Open MPI 4: orted; Open MPI 5: prted; MPICH
/// and Intel MPI: hydra_*_proxy). kProtocol says what was not understood. The result has passed
/// `check_spawn`.
Result<SpawnRequest> parse_rsh_arguments(const std::vector<std::string>& arguments);

/// The far side's own check, before it starts anything: program, argument names, environment names
/// and references are on the allow lists; nothing loads code or names another program.
Status check_spawn(const SpawnRequest& request);

}  // namespace mnp::node
