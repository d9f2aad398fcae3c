#include "mnp/node/spawn_desk.hpp"

#include "worker_fixture.hpp"

namespace mnp::node {
namespace {

class SpawnDeskTest : public WorkerTest {
 protected:
  SpawnDeskTest() {
    create();
    worker->set_epoch({EpochNumber(3), 2, 0});
    open();
    set_main_ready();
    child = join(2);
    host = std::make_unique<DaemonHost>(loop, *worker);
    desk = std::make_unique<SpawnDesk>(*roster, *host, NodeIndex(kMain));
    on_said = [this](NodeIndex node, Control what, const std::string& payload) {
      desk->heard(node, what, payload);
    };
  }
  /// An mnp-rsh of this node that asks for a daemon there.
  std::unique_ptr<PlayedClient> ask(const std::string& at, uint32_t epoch = 3,
                                    const std::string& program = "orted") {
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    auto mine = play(Fd(pair[0]));
    desk->ask(std::make_shared<LocalPeer>(loop, Fd(pair[1]), ::getpid()), {at, program, {}, {}},
              EpochNumber(epoch));
    return mine;
  }
  std::string refusal(const PlayedClient& rsh) {
    if (!until([&] { return !rsh.heard.empty(); })) return "nothing";
    EXPECT_EQ(rsh.heard[0].type, static_cast<uint8_t>(SpawnFrame::kRefused));
    return rsh.heard[0].payload;
  }
  /// The id under which the child has been asked.
  uint64_t asked() {
    if (!until([&] { return child->last(Control::kSpawn) != nullptr; })) return 0;
    return split_spawn_id(child->last(Control::kSpawn)->payload)->id;
  }
  std::unique_ptr<PlayedChild> child;
  std::unique_ptr<DaemonHost> host;
  std::unique_ptr<SpawnDesk> desk;
};

TEST_F(SpawnDeskTest, AChildIsAskedAndItsWordsComeBack) {
  const auto rsh = ask(address(2));
  const uint64_t id = asked();
  const auto message = split_spawn_id(child->last(Control::kSpawn)->payload);
  EXPECT_EQ(decode_spawn_request(message->payload)->program, "orted");
  child->say(Control::kSpawnStderr, with_spawn_id(id, "err"));
  child->say(Control::kSpawnExited, with_spawn_id(id, encode(SpawnExit{5, 0})));
  ASSERT_TRUE(until([&] { return rsh->heard.size() == 2; }));
  EXPECT_EQ(rsh->heard[0].payload, "err");
  EXPECT_EQ(rsh->heard[0].type, static_cast<uint8_t>(SpawnFrame::kStderr));
  EXPECT_EQ(decode_spawn_exit(rsh->heard[1].payload)->code, 5U);
}

TEST_F(SpawnDeskTest, TheEndOfADaemonIsReadBehindAllItsWords) {
  const auto rsh = ask(address(2));
  const uint64_t id = asked();
  const std::string words(size_t{1} << 20, 'x');  // more than its socket takes
  for (int i = 0; i < 4; ++i)
    desk->heard(NodeIndex(2), Control::kSpawnStderr, with_spawn_id(id, words));
  desk->heard(NodeIndex(2), Control::kSpawnExited, with_spawn_id(id, encode(SpawnExit{5, 0})));
  ASSERT_TRUE(until([&] { return rsh->heard.size() == 5; }));
  EXPECT_EQ(decode_spawn_exit(rsh->heard[4].payload)->code, 5U);
  EXPECT_FALSE(rsh->closed);
  rsh->peer->close();
  settle();
}

TEST_F(SpawnDeskTest, MainStartsItsOwnDaemon) {
  ASSERT_TRUE(replace_file(note("orted"), "#!/bin/sh\nexit 6\n"));
  fs::permissions(note("orted"), fs::perms::owner_all);
  const auto rsh = ask(context.me.own_address, 3, note("orted"));
  ASSERT_TRUE(until([&] { return !rsh->heard.empty(); }));
  EXPECT_EQ(rsh->heard[0].type, static_cast<uint8_t>(SpawnFrame::kExited));
  EXPECT_EQ(decode_spawn_exit(rsh->heard[0].payload)->code, 6U);
  end_epoch(3);
}

TEST_F(SpawnDeskTest, HostsThatAreNoReadyNodeAreRefused) {
  EXPECT_EQ(refusal(*ask("10.1.2.3")), "10.1.2.3 is not a node of this job");
  EXPECT_EQ(refusal(*ask(address(2), 0)), address(2) + " no MPI world may start now");
  const auto prepares = connect(3);
  prepares->say(Control::kJoin, encode(machine(3)));
  ASSERT_TRUE(until([&] { return roster->find_address(address(3)).has_value(); }));
  EXPECT_EQ(refusal(*ask(address(3))), address(3) + " is not ready");
  EXPECT_EQ(prepares->last(Control::kSpawn), nullptr);
}

TEST_F(SpawnDeskTest, WhatTheChildRefusesIsRefused) {
  const auto rsh = ask(address(2));
  child->say(Control::kSpawnRefused, with_spawn_id(asked(), "orted: not in this node's PATH"));
  EXPECT_EQ(refusal(*rsh), "orted: not in this node's PATH");
}

TEST_F(SpawnDeskTest, AnMnpRshThatGoesTakesItsDaemonAlong) {
  const auto rsh = ask(address(2));
  const uint64_t id = asked();
  rsh->peer->close();
  ASSERT_TRUE(until([&] { return child->last(Control::kSpawnStop) != nullptr; }));
  EXPECT_EQ(split_spawn_id(child->last(Control::kSpawnStop)->payload)->id, id);
}

TEST_F(SpawnDeskTest, ALostNodesDaemonsAreRefused) {
  const auto rsh = ask(address(2));
  asked();
  desk->lost(NodeIndex(3));
  desk->lost(NodeIndex(2));
  EXPECT_EQ(refusal(*rsh), "its node is lost");
}

TEST_F(SpawnDeskTest, ANodeSpeaksForItsOwnDaemonsOnly) {
  const auto other = join(3);
  const auto rsh = ask(address(2));
  other->say(Control::kSpawnExited, with_spawn_id(asked(), encode(SpawnExit{})));
  settle();
  EXPECT_TRUE(rsh->heard.empty());
  other->say(Control::kSpawnExited, "x");
  EXPECT_TRUE(until([&] { return other->closed; }));
}

}  // namespace
}  // namespace mnp::node
