// How mpirun is told about the nodes, by environment variables alone: so that a script's own
// mpirun is told as well as ours, of every brand.
#pragma once

#include <string>
#include <vector>

#include "mnp/core/files.hpp"
#include "mnp/core/result.hpp"
#include "mnp/node/network.hpp"

namespace mnp::node {

struct MpiHosts {
  std::vector<std::string> addresses;  // main's first
  uint32_t slots = 1;                  // ranks a node
  Network network;                     // of main
  std::string rsh;                     // absolute path of mnp-rsh
  bool tcp_only = false;               // no EFA, no UCX: MPI starts in 30 ms instead of 250
};

/// Writes `<folder>/hosts` (Open MPI's form) and `<folder>/hosts.hydra` (MPICH's and Intel MPI's).
Status write_host_files(const MpiHosts& hosts, const fs::path& folder);

/// For mpirun on main: agent, host file, interfaces. Sources: Open MPI 4.1 and 5.0 FAQ and
/// `ompi_info`, PRRTE's `prte_info`, MPICH's Hydra guide, Intel MPI's developer reference.
std::vector<std::string> mpi_environment(const MpiHosts& hosts, const fs::path& folder);

/// mpirun with `ranks_per_node` ranks on every host, in the order of the host file.
std::vector<std::string> mpirun_words(const MpiHosts& hosts, const fs::path& folder,
                                      uint32_t ranks_per_node);

}  // namespace mnp::node
