#include <gtest/gtest.h>

#include "mnp/node/rsh_request.hpp"

namespace mnp::node {
namespace {

std::string refusal(const SpawnRequest& request) {
  const auto status = check_spawn(request);
  return status ? "" : status.error().text;
}
std::string refusal_of(const std::string& program, const std::vector<std::string>& args) {
  return refusal({"h", program, args, {}});
}
std::string refusal_of_env(const std::string& name, const EnvValue& value) {
  return refusal({"h", "orted", {}, {{name, value}}});
}

TEST(CheckSpawn, OnlyDaemonsOfMpi) {
  for (const char* good : {"orted", "/usr/bin/orted", "/opt/x/bin/prted", "hydra_pmi_proxy"})
    EXPECT_EQ(refusal_of(good, {}), "") << good;
  for (const char* bad : {"", "sh", "/bin/sh", "orted ", "../orted", "x/orted", "/usr/bin/orted/",
                          "/usr/bin/orted.sh", "ORTED"})
    EXPECT_NE(refusal_of(bad, {}), "") << bad;
}

TEST(CheckSpawn, OnlyKnownOptions) {
  EXPECT_EQ(refusal_of("orted", {"--tree-spawn", "-mca", "ess", "env"}), "");
  EXPECT_NE(refusal_of("orted", {"--xterm", "1"}), "");
  EXPECT_NE(refusal_of("orted", {"--report-uri", "/tmp/x"}), "");
  EXPECT_NE(refusal_of("orted", {"hostname"}), "");
  EXPECT_NE(refusal_of("orted", {"-mca", "ess"}), "");
  EXPECT_NE(refusal_of("orted", {"---tree-spawn"}), "");
  EXPECT_NE(refusal_of("orted", {"-"}), "");
  EXPECT_NE(refusal_of("hydra_pmi_proxy", {"-mca", "ess", "env"}), "");
  EXPECT_NE(refusal_of("orted", {"-mca", "ess", "en\nv"}), "");
}

TEST(CheckSpawn, ParametersThatLoadOrRunThingsAreRefused) {
  for (const char* name :
       {"mca_base_component_path", "mca_component_path", "mca_base_param_files",
        "pmix_mca_base_component_path", "orte_launch_agent", "orte_fork_agent",
        "prte_launch_agent", "orte_debugger_test_daemon", "orte_xterm", "mca_base_env_list",
        "orte_exec_agent", "odls_base_agent", "unheard_of", "", "ess;id", "ess env"})
    EXPECT_NE(refusal_of("orted", {"--mca", name, "/tmp/x"}), "") << name;
}

TEST(CheckSpawn, TheLaunchAgentIsMnpRsh) {
  EXPECT_EQ(refusal_of("orted", {"--mca", "plm_rsh_agent", "/opt/mnp/bin/mnp-rsh"}), "");
  EXPECT_EQ(refusal_of("prted", {"--prtemca", "plm_ssh_agent", "mnp-rsh"}), "");
  EXPECT_NE(refusal_of("orted", {"--mca", "plm_rsh_agent", "/tmp/evil"}), "");
  EXPECT_NE(refusal_of("orted", {"--mca", "plm_rsh_agent", "/tmp/evil : /x/mnp-rsh"}), "");
  EXPECT_NE(refusal_of("hydra_pmi_proxy", {"--launcher-exec", "/usr/bin/ssh"}), "");
  EXPECT_NE(refusal_of("hydra_pmi_proxy", {"--launcher", "slurm"}), "");
}

TEST(CheckSpawn, IntelsBootstrapStartsTheProxyBesideIt) {
  const std::string program = "/opt/intel/bin//hydra_bstrap_proxy";
  EXPECT_EQ(refusal_of(program, {"--base-path", "/opt/intel/bin/",
                                 "/opt/intel/bin//hydra_pmi_proxy", "--usize", "-1"}),
            "");
  EXPECT_NE(refusal_of(program, {"--base-path", "/tmp/"}), "");
  EXPECT_NE(refusal_of(program, {"/tmp/hydra_pmi_proxy"}), "");
  EXPECT_NE(refusal_of(program, {"/opt/intel/bin/sh"}), "");
  EXPECT_NE(refusal_of(program, {"hydra_pmi_proxy", "--upstream-host", "x"}), "");
}

TEST(CheckSpawn, OnlyPathsInTheEnvironment) {
  EXPECT_EQ(refusal_of_env("PATH", {{false, "/usr/bin:"}, {true, "PATH"}}), "");
  EXPECT_EQ(refusal_of_env("LD_LIBRARY_PATH", {{false, "/a:/b:"}, {true, "LD_LIBRARY_PATH"}}), "");
  EXPECT_EQ(refusal_of_env("OPAL_PREFIX", {{false, "/usr"}}), "");
  EXPECT_NE(refusal_of_env("LD_PRELOAD", {{false, "/x.so"}}), "");
  EXPECT_NE(refusal_of_env("HOME", {{false, "/x"}}), "");
  EXPECT_NE(refusal_of_env("PATH", {{true, "MNP_JOIN_SECRET"}}), "");
  EXPECT_NE(refusal_of_env("PATH", {{false, "bin:"}, {true, "PATH"}}), "");
  EXPECT_NE(refusal_of_env("PATH", {{false, "/a:."}}), "");
  EXPECT_NE(refusal_of_env("OPAL_PREFIX", {{true, "PATH"}}), "");
}

}  // namespace
}  // namespace mnp::node
