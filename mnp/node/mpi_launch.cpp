#include "mnp/node/mpi_launch.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace mnp::node {
namespace {

constexpr size_t kDefaultRadix = 64;  // of Open MPI's tree of daemons

fs::path hosts_file(const fs::path& folder) {
  return folder / "hosts";
}
fs::path hydra_file(const fs::path& folder) {
  return folder / "hosts.hydra";
}

/// Nodes that share a machine share its host name: ranks must not believe that they share memory.
void add_loopback(std::vector<std::string>& entries) {
  entries.insert(entries.end(),
                 {"OMPI_MCA_pml=ob1", "OMPI_MCA_btl=tcp,self", "OMPI_MCA_coll=^han"});
}

void add_open_mpi(const MpiHosts& hosts, const fs::path& folder,
                  std::vector<std::string>& entries) {
  // Beyond the radix children would call the agent too, and the tree would be deeper than one.
  const size_t radix = std::max(kDefaultRadix, hosts.addresses.size());
  entries.insert(entries.end(),
                 {"OMPI_MCA_plm_rsh_agent=" + hosts.rsh, "PRTE_MCA_plm_ssh_agent=" + hosts.rsh,
                  "OMPI_MCA_orte_default_hostfile=" + hosts_file(folder).string(),
                  "PRTE_MCA_prte_default_hostfile=" + hosts_file(folder).string(),
                  fmt::format("OMPI_MCA_routed_radix={}", radix),
                  fmt::format("PRTE_MCA_prte_routed_radix={}", radix),
                  "OMPI_MCA_btl_tcp_if_include=" + hosts.network.cidr,
                  "OMPI_MCA_oob_tcp_if_include=" + hosts.network.cidr});
  // PRRTE refuses loopback networks; without a choice it takes the machine's own interface.
  if (!hosts.network.loopback) entries.push_back("PRTE_MCA_prte_if_include=" + hosts.network.cidr);
  if (hosts.network.loopback)
    add_loopback(entries);
  else if (hosts.tcp_only)
    entries.insert(entries.end(), {"OMPI_MCA_pml=ob1", "OMPI_MCA_btl=tcp,self"});
}

void add_hydra(const MpiHosts& hosts, const fs::path& folder, std::vector<std::string>& entries) {
  const std::string file = hydra_file(folder).string();
  entries.insert(entries.end(),
                 {"HYDRA_LAUNCHER=ssh", "HYDRA_LAUNCHER_EXEC=" + hosts.rsh,
                  "HYDRA_HOST_FILE=" + file, "HYDRA_IFACE=" + hosts.network.interface,
                  "I_MPI_HYDRA_BOOTSTRAP=ssh", "I_MPI_HYDRA_BOOTSTRAP_EXEC=" + hosts.rsh,
                  "I_MPI_HYDRA_HOST_FILE=" + file, "I_MPI_HYDRA_IFACE=" + hosts.network.interface});
}

}  // namespace

Status write_host_files(const MpiHosts& hosts, const fs::path& folder) {
  std::string open_mpi, hydra;
  for (const std::string& address : hosts.addresses) {
    open_mpi += fmt::format("{} slots={}\n", address, hosts.slots);
    hydra += fmt::format("{}:{}\n", address, hosts.slots);
  }
  MNP_CHECK(make_folders(folder));
  MNP_CHECK(replace_file(hosts_file(folder), open_mpi));
  return replace_file(hydra_file(folder), hydra);
}

std::vector<std::string> mpi_environment(const MpiHosts& hosts, const fs::path& folder) {
  std::vector<std::string> entries;
  add_open_mpi(hosts, folder, entries);
  add_hydra(hosts, folder, entries);
  // NCCL's name must be exact, hence '='.
  entries.push_back("NCCL_SOCKET_IFNAME==" + hosts.network.interface);
  return entries;
}

std::vector<std::string> mpirun_words(const MpiHosts& hosts, const fs::path& folder,
                                      uint32_t ranks_per_node) {
  return {"mpirun",
          "--hostfile",
          hosts_file(folder).string(),
          "-np",
          std::to_string(hosts.addresses.size() * ranks_per_node),
          "--map-by",
          fmt::format("ppr:{}:node", ranks_per_node),
          "--bind-to",
          "none"};
}

}  // namespace mnp::node
