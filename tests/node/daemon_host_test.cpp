#include "mnp/node/daemon_host.hpp"

#include "worker_fixture.hpp"

namespace mnp::node {
namespace {

/// A fake orted is the only program on the way.
class DaemonHostTest : public WorkerTest {
 protected:
  DaemonHostTest() {
    create();
    host = std::make_unique<DaemonHost>(loop, *worker);
  }
  void orted(const std::string& script) const {
    const fs::path path = folder.path() / "orted";
    ASSERT_TRUE(replace_file(path, "#!/bin/sh\n" + script + "\n"));
    fs::permissions(path, fs::perms::owner_all);
  }
  void start(uint64_t id, const std::string& program) {
    host->start(id, EpochNumber(3), {"127.0.0.1", program, {}, {}},
                [this](SpawnFrame type, std::string_view payload) {
                  if (type == SpawnFrame::kStderr)
                    output += payload;
                  else
                    last.emplace_back(type, payload);
                });
  }
  std::string output;
  std::vector<std::pair<SpawnFrame, std::string>> last;
  std::unique_ptr<DaemonHost> host;
};

TEST_F(DaemonHostTest, StartsADaemonAndSaysHowItGoes) {
  orted("echo $MNP_EPOCH >&2; exit 7");
  start(1, note("orted"));
  ASSERT_TRUE(until([&] { return last.size() == 1; }));
  EXPECT_EQ(output, "3\n");
  EXPECT_EQ(last[0].first, SpawnFrame::kExited);
  EXPECT_EQ(decode_spawn_exit(last[0].second)->status(), 7);
  end_epoch(3);
}

TEST_F(DaemonHostTest, StopKillsIt) {
  orted("echo up; exec sleep 300");
  start(1, note("orted"));
  ASSERT_TRUE(until([&] { return output == "up\n"; }));
  host->stop(1);
  ASSERT_TRUE(until([&] { return last.size() == 1; }));
  EXPECT_EQ(decode_spawn_exit(last[0].second)->status(), 128 + 9);
  end_epoch(3);
}

TEST_F(DaemonHostTest, MuchOutputComesWhole) {
  orted("head -c 9000000 /dev/zero | tr '\\0' x");
  start(1, note("orted"));
  ASSERT_TRUE(until([&] { return last.size() == 1; }));
  settle(Milliseconds(20));
  EXPECT_LE(output.size(), 9000000U);
  EXPECT_GE(output.size(), DaemonHost::kMaxUnread);  // what nobody reads in time is cut there
  end_epoch(3);
}

TEST_F(DaemonHostTest, WhatIsNoDaemonIsRefusedAndNotStarted) {
  for (const std::string program : {"/bin/sh", "/nowhere/orted"}) {
    last.clear();
    start(1, program);
    ASSERT_EQ(last.size(), 1U) << program;
    EXPECT_EQ(last[0].first, SpawnFrame::kRefused);
    EXPECT_NE(last[0].second.find(program), std::string::npos) << last[0].second;
  }
}

}  // namespace
}  // namespace mnp::node
