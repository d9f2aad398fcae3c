#include <algorithm>
#include <set>

#include "fake_bucket.hpp"
#include "worker_fixture.hpp"

namespace mnp::node {
namespace {

class WorkerMpi : public WorkerTest {
 protected:
  WorkerMpi() {
    create();
    worker->set_epoch({EpochNumber(3), 2, 0});
  }
  static void say(PlayedClient& client, model::RankFrame type, std::string_view payload = {}) {
    client.peer->send(static_cast<uint8_t>(type), payload);
  }
  std::unique_ptr<PlayedClient> rank(uint32_t epoch = 3, uint32_t node = kMain) {
    auto made = client();
    say(*made, model::RankFrame::kHello,
        encode(model::RankHello{EpochNumber(epoch), NodeIndex(node), Rank(0), 2}));
    return made;
  }
  std::unique_ptr<PlayedClient> rank_that_is_in() {
    auto made = rank();
    EXPECT_TRUE(until([&] { return ranks.size() == 1; }));
    return made;
  }
};

TEST_F(WorkerMpi, TheRankOfTheEpochIsLetIn) {
  const auto in = rank_that_is_in();
  EXPECT_EQ(ranks[0].size, 2U);
  EXPECT_FALSE(in->closed);
}

TEST_F(WorkerMpi, RanksOfOtherEpochsAndNodesAreRefused) {
  for (const auto& [epoch, node] :
       {std::pair(2U, kMain), std::pair(4U, kMain), std::pair(3U, 0U)}) {
    const auto out = rank(epoch, node);
    ASSERT_TRUE(until([&] { return out->closed; }));
  }
  const auto in = rank_that_is_in();
  const auto twin = rank();
  ASSERT_TRUE(until([&] { return twin->closed; }));
  EXPECT_EQ(ranks.size(), 1U);
  EXPECT_EQ(ranks_gone, 0);
  EXPECT_FALSE(in->closed);
}

TEST_F(WorkerMpi, FramesOfTheRankAreHandedOn) {
  const auto in = rank_that_is_in();
  model::Ran message;
  message.items.push_back({CommandIndex(5), 2});
  say(*in, model::RankFrame::kSend,
      encode(model::NodePayload{NodeIndex(3), model::encode_message(message)}));
  say(*in, model::RankFrame::kSend, "x");  // is logged, and the rank goes on
  say(*in, model::RankFrame::kRing, encode_u32(2));
  say(*in, model::RankFrame::kBroadcastDone, encode(model::CollectiveDone{9, "", 0}));
  say(*in, model::RankFrame::kReduceDone, encode(model::CollectiveDone{8, "why", 3}));
  ASSERT_TRUE(until([&] { return reductions.size() == 1; }));
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].first, 3U);
  EXPECT_EQ(std::get<model::Ran>(messages[0].second).items[0].command, CommandIndex(5));
  EXPECT_EQ(rings, std::vector<uint32_t>{2});
  ASSERT_EQ(broadcasts.size(), 1U);
  EXPECT_EQ(broadcasts[0].id, 9U);
  EXPECT_EQ(reductions[0].error, "why");
}

TEST_F(WorkerMpi, MessagesAndBellsGoToTheRank) {
  worker->ring_rank();  // nobody is there
  const auto in = rank_that_is_in();
  worker->rank_send(NodeIndex(2), model::Kept{{{CommandIndex(1), 1}}});
  worker->ring_rank();
  ASSERT_TRUE(until([&] { return in->heard.size() == 2; }));
  const auto payload = model::decode_node_payload(in->heard[0].payload);
  ASSERT_TRUE(payload);
  EXPECT_EQ(payload->node, NodeIndex(2));
  EXPECT_TRUE(std::holds_alternative<model::Kept>(*model::decode_message(payload->bytes)));
  EXPECT_EQ(in->heard[1].type, static_cast<uint8_t>(model::RankFrame::kBell));
}

TEST_F(WorkerMpi, ARankThatGoesIsTold) {
  auto in = rank_that_is_in();
  in->peer->close();
  EXPECT_TRUE(until([&] { return ranks_gone == 1; }));
}

TEST_F(WorkerMpi, TheEndOfItsEpochEndsTheRankAndLetsNoneInAgain) {
  const auto in = rank_that_is_in();
  end_epoch(2);  // an older one
  settle(Milliseconds(20));
  EXPECT_FALSE(in->closed);
  end_epoch(3);
  ASSERT_TRUE(until([&] { return in->closed; }));
  EXPECT_EQ(ranks_gone, 0);
  const auto late = rank();
  ASSERT_TRUE(until([&] { return late->closed; }));
  EXPECT_EQ(ranks.size(), 1U);
}

/// What the ranks of an epoch leave unused has no use in the next, whose shares are cut otherwise.
TEST_F(WorkerMpi, CopiesOfArraysGoWithTheEpoch) {
  const auto bucket = std::make_shared<aws::FakeS3>();
  context.store_place = "s3://bucket";
  context.bucket = store_in(bucket);
  bucket->objects["a-1/partials/x"] = bucket->objects["a-1/partials/y"] = {"bytes", {}};
  std::vector<model::CollectiveDone> held;
  const auto bring = [&](uint64_t id, const std::string& object) {
    worker->bring({id, 0, {object}, ""}, [&](const auto& done) { held.push_back(done); });
    ASSERT_TRUE(until([&] { return !held.empty(); }));
    EXPECT_EQ(held[0].error, "");
  };
  bring(1, "a-1/partials/x");
  const fs::path copies = context.scratch.reduced() / "a-1/partials";
  EXPECT_EQ(*read_file(copies / "x"), "bytes");
  end_epoch(3);
  worker->set_epoch({EpochNumber(4), 2, 0});
  held.clear();
  bring(2, "a-1/partials/y");
  EXPECT_FALSE(fs::exists(copies / "x"));
  EXPECT_TRUE(fs::exists(copies / "y"));
}

TEST_F(WorkerMpi, AnMnpRshMayAskForADaemon) {
  const auto rsh = client();
  const SpawnRequest asked{"127.7.1.2", "orted", {"--tree-spawn"}, {}};
  rsh->peer->send(static_cast<uint8_t>(SpawnFrame::kSpawn), encode(asked));
  ASSERT_TRUE(until([&] { return spawns.size() == 1; }));
  EXPECT_EQ(spawns[0].second, asked);
  spawns[0].first->send(static_cast<uint8_t>(SpawnFrame::kRefused), "no");
  EXPECT_TRUE(until([&] { return rsh->heard.size() == 1; }));
}

TEST_F(WorkerMpi, StrangersAreTurnedAway) {
  const auto bad = client();
  bad->peer->send(static_cast<uint8_t>(SpawnFrame::kSpawn), "x");
  ASSERT_TRUE(until([&] { return !bad->heard.empty(); }));
  EXPECT_EQ(bad->heard[0].type, static_cast<uint8_t>(SpawnFrame::kRefused));
  const auto odd = client();
  odd->peer->send(99, "x");
  EXPECT_TRUE(until([&] { return odd->closed; }));
  EXPECT_TRUE(spawns.empty());
}

TEST_F(WorkerMpi, DaemonsFindTheAgent) {
  const auto entries = worker->daemon_environment(EpochNumber(3));
  const std::set<std::string> all(entries.begin(), entries.end());
  EXPECT_EQ(all.count("MNP_AGENT_SOCKET=" + context.scratch.socket()), 1U);
  EXPECT_EQ(all.count("MNP_EPOCH=3"), 1U);
  EXPECT_EQ(all.count("MNP_NODE=1"), 1U);
  EXPECT_EQ(all.count("TMPDIR=" + context.scratch.temporary().string()), 1U);
}

/// mpirun hands its OMPI_MCA_* on to every daemon, so that main's folders must not be among them.
TEST_F(WorkerMpi, FoldersOfDaemonsAreNotToldToMpirun) {
  const auto folders = worker->daemon_folders();
  EXPECT_FALSE(folders.empty());
  for (const std::string& entry : folders) {
    EXPECT_NE(entry.find("=" + context.scratch.root.string()), std::string::npos) << entry;
    for (const std::string& other : worker->daemon_environment(EpochNumber(3)))
      EXPECT_NE(entry.substr(0, entry.find('=')), other.substr(0, other.find('=')));
  }
}

TEST_F(WorkerMpi, AnIdIsFreeOnceItsEpochHasEnded) {
  cpu::Start how;
  how.base = std::make_shared<const std::vector<std::string>>(
      std::vector<std::string>{"PATH=/usr/bin:/bin"});
  how.line = "sleep 300";
  for (uint32_t epoch = 4; epoch < 104; ++epoch) {
    std::atomic<bool> over{false};
    const auto started = worker->start_daemon(
        0, EpochNumber(epoch), how,
        {[](std::string_view) { return true; }, [&](const cpu::Finished&) { over = true; }});
    ASSERT_TRUE(started) << started.error().text;
    end_epoch(epoch);
    ASSERT_TRUE(over);
  }
}

TEST_F(WorkerMpi, ADaemonStartsInTheStagesFolderAndMayLeaveWhatItLikes) {
  cpu::Start how;
  how.base = std::make_shared<const std::vector<std::string>>(
      std::vector<std::string>{"PATH=/usr/bin:/bin"});
  how.line = "pwd > " + note("where") + "; sleep 300 > /dev/null 2>&1 &";
  bool ended = false;
  ASSERT_TRUE(
      worker->start_daemon(1, EpochNumber(3), how,
                           {[](std::string_view) { return true; },
                            [&](const cpu::Finished&) { loop.post([&] { ended = true; }); }}));
  ASSERT_TRUE(until([&] { return ended; }));
  EXPECT_EQ(*read_file(note("where")), fs::canonical(folder.path()).string() + "\n");
  end_epoch(3);
}

}  // namespace
}  // namespace mnp::node
