#include "mnp/node/mpi_launch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace mnp::node {
namespace {

class MpiLaunch : public testing::Test {
 protected:
  /// The value that the entries give to a name; "-": none.
  std::string value(const std::string& name) const {
    std::string found = "-";
    for (const std::string& entry : mpi_environment(hosts, folder.path()))
      if (entry.compare(0, name.size() + 1, name + "=") == 0) found = entry.substr(name.size() + 1);
    return found;
  }
  std::string file(const std::string& name) const { return (folder.path() / name).string(); }

  TemporaryFolder folder = *TemporaryFolder::create("mpi-launch-test-");
  MpiHosts hosts{{"10.0.3.7", "10.0.3.9"}, 4, {"10.0.3.0/24", "eth1", false}, "/opt/mnp-rsh"};
};

TEST_F(MpiLaunch, HostFilesNameMainFirst) {
  const fs::path deep = folder.path() / "epoch-1";
  ASSERT_TRUE(write_host_files(hosts, deep));
  EXPECT_EQ(*read_file(deep / "hosts"), "10.0.3.7 slots=4\n10.0.3.9 slots=4\n");
  EXPECT_EQ(*read_file(deep / "hosts.hydra"), "10.0.3.7:4\n10.0.3.9:4\n");
}

TEST_F(MpiLaunch, EveryBrandIsToldAgentHostsAndInterface) {
  for (const char* agent : {"OMPI_MCA_plm_rsh_agent", "PRTE_MCA_plm_ssh_agent",
                            "HYDRA_LAUNCHER_EXEC", "I_MPI_HYDRA_BOOTSTRAP_EXEC"})
    EXPECT_EQ(value(agent), "/opt/mnp-rsh") << agent;
  for (const char* list : {"OMPI_MCA_orte_default_hostfile", "PRTE_MCA_prte_default_hostfile"})
    EXPECT_EQ(value(list), file("hosts")) << list;
  for (const char* list : {"HYDRA_HOST_FILE", "I_MPI_HYDRA_HOST_FILE"})
    EXPECT_EQ(value(list), file("hosts.hydra")) << list;
  for (const char* network :
       {"OMPI_MCA_btl_tcp_if_include", "OMPI_MCA_oob_tcp_if_include", "PRTE_MCA_prte_if_include"})
    EXPECT_EQ(value(network), "10.0.3.0/24") << network;
  for (const char* interface : {"HYDRA_IFACE", "I_MPI_HYDRA_IFACE"})
    EXPECT_EQ(value(interface), "eth1") << interface;
  EXPECT_EQ(value("NCCL_SOCKET_IFNAME"), "=eth1");  // '=': the exact name
}

TEST_F(MpiLaunch, TransportIsChosenOnlyWhereItIsKnown) {
  EXPECT_EQ(value("OMPI_MCA_pml"), "-");  // EFA and UCX choose for themselves
  hosts.tcp_only = true;
  EXPECT_EQ(value("OMPI_MCA_pml"), "ob1");
  EXPECT_EQ(value("OMPI_MCA_btl"), "tcp,self");
}

TEST_F(MpiLaunch, NodesOfOneMachineDoNotBelieveThatTheyShareMemory) {
  hosts.network = {"127.0.0.0/8", "lo", true};
  EXPECT_EQ(value("OMPI_MCA_btl"), "tcp,self");
  EXPECT_EQ(value("OMPI_MCA_coll"), "^han");
  EXPECT_EQ(value("PRTE_MCA_prte_if_include"), "-");  // PRRTE refuses loopback networks
}

TEST_F(MpiLaunch, OnlyMainCallsTheAgentHoweverManyNodes) {
  EXPECT_EQ(value("OMPI_MCA_routed_radix"), "64");
  hosts.addresses.assign(100, "10.0.3.9");
  EXPECT_EQ(value("OMPI_MCA_routed_radix"), "100");
  EXPECT_EQ(value("PRTE_MCA_prte_routed_radix"), "100");
}

TEST_F(MpiLaunch, NoNameIsThereTwice) {
  for (const bool loopback : {false, true}) {
    hosts.tcp_only = true;
    hosts.network.loopback = loopback;
    std::set<std::string> names;
    for (const std::string& entry : mpi_environment(hosts, folder.path()))
      EXPECT_TRUE(names.insert(entry.substr(0, entry.find('='))).second) << entry;
  }
}

TEST_F(MpiLaunch, MpirunStartsSoManyRanksOnEveryNode) {
  EXPECT_EQ(mpirun_words(hosts, folder.path(), 3),
            (std::vector<std::string>{"mpirun", "--hostfile", file("hosts"), "-np", "6", "--map-by",
                                      "ppr:3:node", "--bind-to", "none"}));
}

}  // namespace
}  // namespace mnp::node
