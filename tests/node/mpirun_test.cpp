// A real mpirun, with mnp-rsh in place of ssh and agents played by this test: four nodes with
// addresses 127.x.y.k, each with a folder of its own for temporary files.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <optional>
#include <set>

#include "mnp/core/text.hpp"
#include "mnp/node/daemons.hpp"
#include "mnp/node/plan_daemon.hpp"
#include "node_orphans.hpp"
#include "played_agents.hpp"
#include "waiting.hpp"

extern char** environ;

namespace mnp::node {
namespace {

constexpr int kNodes = 4;
constexpr char kMain[] = "main";  // in place of an address
constexpr uint64_t kMpirun = 0;   // the daemons' ids count from 1

std::string host(int node) {
  return "127.33.7." + std::to_string(node + 1);
}

/// What `mpirun --version` prints, cut to "4" or "5"; empty where there is none.
std::string mpi_version() {
  FILE* pipe = ::popen("mpirun --version 2>/dev/null", "r");
  char line[256] = "";
  if (::fgets(line, sizeof line, pipe) == nullptr) line[0] = '\0';
  ::pclose(pipe);
  const std::string text = line;
  const size_t at = text.find("(Open MPI) ");
  return at == std::string::npos ? "" : text.substr(at + 11, 1);
}

class MpirunTest : public testing::Test {
 protected:
  void SetUp() override {
    if (version.empty()) GTEST_SKIP() << "no mpirun of Open MPI here";
    std::string hosts;
    for (int i = 0; i < kNodes; ++i) {
      ASSERT_TRUE(make_folders(temporary(host(i))));
      hosts += host(i) + " slots=1\n";
    }
    ASSERT_TRUE(create_file_once(folder.path() / "hostfile", hosts));
    ASSERT_TRUE(make_folders(temporary(kMain)));
  }
  ~MpirunTest() override {
    agents.stop();    // its callbacks use the daemons,
    daemons.reset();  // and theirs post to its loop
  }

  fs::path temporary(const std::string& node) const { return folder.path() / ("tmp-" + node); }

  /// What Open MPI needs to take addresses of one machine for many (and root for a user).
  std::vector<std::string> settings(const std::string& node) const {
    const std::string tmp = temporary(node).string();
    std::vector<std::string> all = {"TMPDIR=" + tmp,
                                    "HWLOC_COMPONENTS=-gl",  // as the worker sets it
                                    "OMPI_ALLOW_RUN_AS_ROOT=1",
                                    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
                                    "PRTE_ALLOW_RUN_AS_ROOT=1",
                                    "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1",
                                    "OMPI_MCA_pml=ob1"};
    if (version == "4") {
      all.insert(all.end(), {"OMPI_MCA_btl_tcp_if_include=127.0.0.0/8",
                             "OMPI_MCA_oob_tcp_if_include=127.0.0.0/8"});
      // Not for mpirun itself: what it has of OMPI_MCA_ stands on every daemon's command line and
      // wins there, and then all nodes share main's folder.
      if (node != kMain)
        all.insert(all.end(), {"OMPI_MCA_orte_tmpdir_base=" + tmp,
                               "OMPI_MCA_btl_vader_backing_directory=" + tmp});
    } else {
      all.insert(all.end(), {"OMPI_MCA_btl=tcp,self", "OMPI_MCA_btl_tcp_if_include=127.0.0.0/8",
                             "OMPI_MCA_coll=^han"});
    }
    return all;
  }

  std::vector<std::string> environment(const std::string& node) const {
    std::vector<std::string> all = settings(node);
    all.push_back("PLAYED_NODE=" + node);
    all.push_back("MNP_AGENT_SOCKET=" + (folder.path() / "agent.sock").string());
    all.push_back("ASAN_OPTIONS=detect_leaks=0");  // of an mnp-rsh that mpirun kills
    return all;
  }
  void asked(const std::shared_ptr<LocalPeer>& peer, const SpawnRequest& request) {
    const std::scoped_lock lock(mutex);
    hosts_asked.insert(request.host);
    if (request.host == refused)
      return peer->send(static_cast<uint8_t>(SpawnFrame::kRefused), "it has left this job");
    std::vector<std::string> base;
    for (char** entry = environ; *entry != nullptr; ++entry) base.emplace_back(*entry);
    const auto plan = plan_daemon(request, base, environment(request.host));
    if (!plan) return peer->send(static_cast<uint8_t>(SpawnFrame::kRefused), plan.error().text);
    start(peer, *plan);
  }
  void start(const std::shared_ptr<LocalPeer>& peer, const DaemonPlan& plan) {
    cpu::Start wanted;
    wanted.argv = plan.argv;
    wanted.argv[0] = plan.path;
    wanted.base = std::make_shared<const std::vector<std::string>>(plan.environment);
    const uint64_t id = next_id++;
    ids[peer.get()] = id;
    const auto said = [this, weak = std::weak_ptr(peer)](SpawnFrame type, std::string payload) {
      agents.loop().post([weak, type, payload = std::move(payload)] {
        if (const auto to = weak.lock()) to->send(static_cast<uint8_t>(type), payload);
      });
    };
    const auto started = daemons->start(
        id, EpochNumber(1), wanted,
        {[said](std::string_view bytes) {
           said(SpawnFrame::kStderr, std::string(bytes));
           return true;
         },
         [said](const cpu::Finished& finished) {
           SpawnExit exit;
           const bool killed = finished.ending.kind == model::Ending::Kind::kSignalled;
           (killed ? exit.signal : exit.code) = static_cast<uint32_t>(finished.ending.value);
           said(SpawnFrame::kExited, encode(exit));
         }});
    if (!started) peer->send(static_cast<uint8_t>(SpawnFrame::kRefused), started.error().text);
  }
  void gone(LocalPeer* peer) {
    const std::scoped_lock lock(mutex);
    if (const auto id = ids.find(peer); id != ids.end()) daemons->stop(id->second);
  }

  /// As every process of an MPI world: by Daemons, never by the main thread.
  void start_mpirun(const std::string& script) {
    cpu::Start wanted;
    const std::string option = version == "4" ? "--mca" : "--prtemca";
    const std::string agent = version == "4" ? "plm_rsh_agent" : "plm_ssh_agent";
    wanted.argv = {"mpirun",     option,
                   agent,        MNP_RSH,
                   "--hostfile", (folder.path() / "hostfile").string(),
                   "-np",        std::to_string(kNodes),
                   "sh",         "-c",
                   script};
    std::vector<std::string> base;
    for (char** entry = environ; *entry != nullptr; ++entry) base.emplace_back(*entry);
    wanted.base = std::make_shared<const std::vector<std::string>>(base);
    wanted.extra = environment(kMain);
    const auto started = daemons->start(kMpirun, EpochNumber(1), wanted,
                                        {[this](std::string_view bytes) {
                                           const std::scoped_lock lock(mutex);
                                           text += bytes;
                                           return true;
                                         },
                                         [this](const cpu::Finished& finished) {
                                           const std::scoped_lock lock(mutex);
                                           ending = finished.ending;
                                         }});
    ASSERT_TRUE(started) << started.error().text;
  }
  model::Ending wait_for_end() {
    EXPECT_TRUE(eventually([&] {
      const std::scoped_lock lock(mutex);
      return ending.has_value();
    })) << "mpirun hangs:\n"
        << output();
    const std::scoped_lock lock(mutex);
    return ending.value_or(model::Ending{model::Ending::Kind::kTimedOut, 0});
  }
  int run(const std::string& script) {
    start_mpirun(script);
    const model::Ending end = wait_for_end();
    return end.kind == model::Ending::Kind::kExited ? end.value : -1;
  }
  std::string output() {
    const std::scoped_lock lock(mutex);
    return text;
  }
  std::set<std::string> lines() {
    std::set<std::string> all;
    for (const std::string& line : split(output(), '\n'))
      if (starts_with(line, "on ")) all.insert(line);  // mpirun may warn of this and that
    return all;
  }
  std::set<std::string> all_hosts(const std::string& in_front = "") const {
    std::set<std::string> all;
    for (int i = 0; i < kNodes; ++i) all.insert(in_front + host(i));
    return all;
  }

  const std::string version = mpi_version();  // read by the agents' thread
  TemporaryFolder folder = *TemporaryFolder::create("mpirun-test-");
  std::mutex mutex;
  std::string refused;
  std::set<std::string> hosts_asked;
  std::map<LocalPeer*, uint64_t> ids;
  uint64_t next_id = 1;
  std::string text;                     // mpirun's
  std::optional<model::Ending> ending;  // mpirun's
  std::unique_ptr<Daemons> daemons = std::make_unique<Daemons>(shared_orphans());
  PlayedAgents agents{(folder.path() / "agent.sock").string(),
                      [this](const auto& peer, const auto& request) { asked(peer, request); },
                      [this](LocalPeer* peer) { gone(peer); }};
};

TEST_F(MpirunTest, RunsOnEveryNode) {
  EXPECT_EQ(run("echo on $PLAYED_NODE"), 0) << output();
  EXPECT_EQ(lines(), all_hosts("on ")) << output();
  EXPECT_EQ(hosts_asked, all_hosts());
}

TEST_F(MpirunTest, GivesTheProgramsStatus) {
  // When one fails, mpirun kills the others: their status counts too if they are not done yet.
  const std::string done = folder.path().string() + "/done-";
  EXPECT_EQ(run("[ $PLAYED_NODE = " + host(2) + " ] || exec touch " + done + "$PLAYED_NODE; " +
                "until [ $(ls -d " + done +
                "* | wc -l) = 3 ]; do sleep 0.05; done; sleep 3; "
                "exit 7"),
            7)
      << output();
}

TEST_F(MpirunTest, ARefusedHostFailsWithinSeconds) {
  {
    const std::scoped_lock lock(mutex);
    refused = host(3);
  }
  const TimePoint begin = Clock::now();
  EXPECT_NE(run("echo must not run"), 0);
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(30));  // measured: 2 to 3
  EXPECT_NE(output().find("mnp-rsh: " + host(3) + ": it has left this job"), std::string::npos)
      << output();
  EXPECT_EQ(output().find("must not run\n"), std::string::npos);
}

TEST_F(MpirunTest, AKilledMpirunAndTheEndOfItsEpochLeaveNothing) {
  start_mpirun("echo $$ > " + folder.path().string() + "/rank-$PLAYED_NODE; exec sleep 300");
  const auto ranks = [&] {
    std::vector<pid_t> pids;
    for (int i = 0; i < kNodes; ++i)
      if (const auto noted = read_file(folder.path() / ("rank-" + host(i)));
          noted && noted->find('\n') != std::string::npos)
        pids.push_back(std::stoi(*noted));
    return pids;
  };
  ASSERT_TRUE(eventually([&] { return ranks().size() == kNodes; })) << output();
  daemons->stop(kMpirun);
  EXPECT_EQ(wait_for_end(), (model::Ending{model::Ending::Kind::kSignalled, SIGKILL}));
  std::atomic<bool> done{false};
  daemons->end_epoch(EpochNumber(1), [&] { done = true; });
  ASSERT_TRUE(eventually([&] { return done.load(); }));
  for (const pid_t rank : ranks()) {
    const auto words = read_file("/proc/" + std::to_string(rank) + "/cmdline");
    EXPECT_TRUE(!words || words->find("sleep") == std::string::npos) << rank;
  }
}

}  // namespace
}  // namespace mnp::node
