#include "mnp/node/epochs.hpp"

#include <stdlib.h>

#include "worker_fixture.hpp"

namespace mnp::node {
namespace {

/// Main and node 2; what uses MPI is played by the test.
class EpochsTest : public WorkerTest {
 protected:
  EpochsTest() {
    EXPECT_TRUE(create_file_once(note("mnp-rsh"), "#!/bin/sh\n", 0755));
    ::setenv("PATH", (folder.path().string() + ":" + path).c_str(), 1);
    create();
    worker->set_epoch({});
    open();
    set_main_ready();
    child = join(2);
    create_epochs();
    on_said = [this](NodeIndex node, Control what, const std::string& payload) {
      if (what == Control::kEpochEnded) epochs->node_ended(node, EpochNumber(*decode_u32(payload)));
    };
  }
  ~EpochsTest() override {
    worker->close();  // its threads call epochs
    ::setenv("PATH", path.c_str(), 1);
  }
  void create_epochs(Milliseconds launch_limit = Epochs::kLaunchLimit) {
    Epochs::Callbacks callbacks;
    callbacks.begun = [this](EpochNumber epoch, const std::vector<NodeIndex>& nodes) {
      begun.emplace_back(epoch.value(), nodes);
    };
    callbacks.launch = [this](EpochNumber, const MpiHosts& hosts, const fs::path& place) {
      launched.push_back(hosts);
      folders.push_back(place);
      return outcome;
    };
    callbacks.up = [this] { ++ups; };
    callbacks.down = [this] { ++downs; };
    callbacks.gave_up = [this](Error error) { gave_up = std::move(error); };
    epochs = std::make_unique<Epochs>(loop, context, *roster, *worker, std::move(callbacks),
                                      launch_limit);
  }
  /// The child ends the epoch as it is told.
  bool child_ends(uint32_t epoch) {
    if (!until([&] {
          const Frame* frame = child->last(Control::kEndEpoch);
          return frame != nullptr && *decode_u32(frame->payload) == epoch;
        }))
      return false;
    child->say(Control::kEpochEnded, encode_u32(epoch));
    return true;
  }
  std::optional<BeginEpoch> child_began() {
    const Frame* frame = child->last(Control::kBeginEpoch);
    if (frame == nullptr) return std::nullopt;
    return *decode_begin_epoch(frame->payload);
  }

  const std::string path = ::getenv("PATH");
  std::unique_ptr<PlayedChild> child;
  std::vector<std::pair<uint32_t, std::vector<NodeIndex>>> begun;
  std::vector<MpiHosts> launched;
  std::vector<fs::path> folders;
  Status outcome;
  int ups = 0, downs = 0;
  std::optional<Error> gave_up;
  std::unique_ptr<Epochs> epochs;
};

TEST_F(EpochsTest, TheFirstHasAllThatAreReadyMainFirst) {
  epochs->renew("begins");
  ASSERT_TRUE(until([&] { return child_began().has_value(); }));
  ASSERT_EQ(begun.size(), 1U);
  EXPECT_EQ(begun[0].first, 1U);
  EXPECT_EQ(begun[0].second, (std::vector{NodeIndex(kMain), NodeIndex(2)}));
  EXPECT_EQ(child_began()->epoch, EpochNumber(1));
  EXPECT_EQ(child_began()->nodes, 2U);
  EXPECT_EQ(child_began()->node_rank, 1U);
  EXPECT_EQ(worker->epoch().epoch, EpochNumber(1));
  EXPECT_EQ(worker->epoch().node_rank, 0U);
  EXPECT_TRUE(epochs->up());
  EXPECT_EQ(ups, 1);
  ASSERT_EQ(launched.size(), 1U);
  EXPECT_EQ(launched[0].addresses, (std::vector{context.me.own_address, address(2)}));
  EXPECT_EQ(launched[0].network.cidr, "127.0.0.0/8");
  EXPECT_EQ(roster->at(NodeIndex(2)).epochs, std::vector{EpochNumber(1)});
  EXPECT_TRUE(epochs->has(NodeIndex(2)));
  EXPECT_FALSE(epochs->has(NodeIndex(3)));
}

TEST_F(EpochsTest, TheNextBeginsOnlyOnceNothingOfTheLastIsLeft) {
  epochs->renew("begins");
  ASSERT_TRUE(make_folders(folders.at(0)));
  epochs->renew("another");
  EXPECT_EQ(downs, 1);
  EXPECT_FALSE(epochs->up());
  settle();
  EXPECT_EQ(begun.size(), 1U);  // the child still ends it
  ASSERT_TRUE(child_ends(1));
  ASSERT_TRUE(until([&] { return begun.size() == 2; }));
  EXPECT_EQ(ups, 2);
  EXPECT_EQ(epochs->number(), EpochNumber(2));
  EXPECT_FALSE(fs::exists(folders[0]));
}

TEST_F(EpochsTest, ALostNodeIsNotWaitedFor) {
  epochs->renew("begins");
  child.reset();
  ASSERT_TRUE(until([&] { return state(2) == NodeState::kLost; }));
  epochs->lost(NodeIndex(3));  // was not in
  EXPECT_TRUE(epochs->up());
  epochs->lost(NodeIndex(2));
  ASSERT_TRUE(until([&] { return begun.size() == 2; }));
  EXPECT_EQ(begun[1].second, std::vector{NodeIndex(kMain)});
  EXPECT_EQ(downs, 1);
}

TEST_F(EpochsTest, ANodeLostWhileItsEpochEndsIsNotWaitedForEither) {
  epochs->renew("begins");
  epochs->renew("another");
  ASSERT_TRUE(until([&] { return child->last(Control::kEndEpoch) != nullptr; }));
  child.reset();
  ASSERT_TRUE(until([&] { return state(2) == NodeState::kLost; }));
  epochs->lost(NodeIndex(2));
  ASSERT_TRUE(until([&] { return begun.size() == 2; }));
}

TEST_F(EpochsTest, TheNextWaitsForItsTime) {
  const TimePoint when = Clock::now() + Milliseconds(200);
  epochs->renew("begins", when);
  ASSERT_TRUE(until([&] { return ups == 1; }));
  EXPECT_GE(Clock::now(), when);
}

TEST_F(EpochsTest, TheNextWaitsForTheLastOfTheLost) {
  const TimePoint when = Clock::now() + Milliseconds(300);
  epochs->renew("begins");
  epochs->renew("a node is lost", Clock::now() + Milliseconds(10));
  epochs->lost(NodeIndex(3), when);  // while the epoch ends
  epochs->renew("and one more", Clock::now() + Milliseconds(20));
  ASSERT_TRUE(child_ends(1));
  ASSERT_TRUE(until([&] { return ups == 2; }));
  EXPECT_GE(Clock::now(), when);
}

TEST_F(EpochsTest, ALossWhileTheNextWaitsMakesItWaitLonger) {
  epochs->renew("begins", Clock::now() + Milliseconds(50));
  const TimePoint when = Clock::now() + Milliseconds(300);
  epochs->lost(NodeIndex(3), when);
  ASSERT_TRUE(until([&] { return ups == 1; }));
  EXPECT_GE(Clock::now(), when);
}

TEST_F(EpochsTest, NodesThatJoinAMainThatWorksAloneBeginTheFirst) {
  epochs->admit();
  ASSERT_TRUE(until([&] { return ups == 1; }));
  EXPECT_TRUE(epochs->has(NodeIndex(2)));
}

TEST_F(EpochsTest, GivesUpAfterSomeLaunchesInARow) {
  outcome = fail(Code::kIo, "no process could be started");
  epochs->renew("begins");
  for (uint32_t epoch = 1; epoch <= 3; ++epoch) ASSERT_TRUE(child_ends(epoch)) << epoch;
  ASSERT_TRUE(until([&] { return gave_up.has_value(); }));
  EXPECT_EQ(gave_up->code, Code::kMpi);
  EXPECT_NE(gave_up->text.find("3 launches in a row"), std::string::npos) << gave_up->text;
  EXPECT_NE(gave_up->text.find("no process could be started"), std::string::npos);
  EXPECT_EQ(ups, 0);
  EXPECT_EQ(downs, 0);
  epochs->renew("no more");
  settle(Milliseconds(50));
  EXPECT_EQ(begun.size(), 3U);
}

TEST_F(EpochsTest, AWorldThatDoesNotDoWhatItIsAskedCountsAsFailed) {
  epochs->renew("begins");
  for (uint32_t epoch = 1; epoch <= 3; ++epoch) {
    ASSERT_TRUE(until([&] { return epochs->up() && epochs->number() == EpochNumber(epoch); }));
    epochs->world_failed("a reduction is stuck");
    ASSERT_TRUE(child_ends(epoch)) << epoch;
  }
  ASSERT_TRUE(until([&] { return gave_up.has_value(); }));
  EXPECT_EQ(gave_up->code, Code::kMpi);
  EXPECT_NE(gave_up->text.find("a reduction is stuck"), std::string::npos) << gave_up->text;
}

TEST_F(EpochsTest, ReasonsHoldWhatMpirunSaidWithoutItsNoise) {
  EXPECT_TRUE(create_file_once(note("mnp-rank"), "#!/bin/sh\n", 0755));
  EXPECT_TRUE(create_file_once(note("mpirun"),
                               "#!/bin/sh\n"
                               "echo '[vm:7] plm:rsh: Warning: setpgid(8,8) failed in parent'\n"
                               "echo ------\necho '  There are not enough slots'\necho ------\n"
                               "exit 3\n",
                               0755));
  epochs->set_launch({});
  epochs->renew("begins");
  for (uint32_t epoch = 1; epoch <= 3; ++epoch) ASSERT_TRUE(child_ends(epoch)) << epoch;
  ASSERT_TRUE(until([&] { return gave_up.has_value(); }));
  const std::string end = "mpirun ended with exit 3; mpirun said: There are not enough slots";
  EXPECT_EQ(gave_up->text.substr(gave_up->text.size() - end.size()), end) << gave_up->text;
}

TEST_F(EpochsTest, TheRankOfAChildThatIsGoneEndsTheEpoch) {
  EXPECT_TRUE(create_file_once(note("mnp-rank"), "#!/bin/sh\n", 0755));
  EXPECT_TRUE(create_file_once(note("mpirun"), "#!/bin/sh\nexec sleep 1000\n", 0755));
  epochs->renew("begins");
  epochs->rank_gone(NodeIndex(2), EpochNumber(1));
  EXPECT_TRUE(epochs->up()) << "a program has none of ours";
  epochs->set_launch({});
  epochs->renew("inputs are to be brought");
  ASSERT_TRUE(child_ends(1));
  ASSERT_TRUE(until([&] { return epochs->number() == EpochNumber(2); }));
  epochs->rank_gone(NodeIndex(2), EpochNumber(1));
  settle(Milliseconds(20));
  EXPECT_EQ(*decode_u32(child->last(Control::kEndEpoch)->payload), 1U);
  epochs->rank_gone(NodeIndex(2), EpochNumber(2));
  EXPECT_TRUE(child_ends(2));
  EXPECT_TRUE(until([&] { return epochs->number() == EpochNumber(3); }));
  bool ended = false;
  epochs->stop([&] { ended = true; });  // mpirun's end comes on another thread
  EXPECT_TRUE(child_ends(3));
  EXPECT_TRUE(until([&] { return ended; }));
}

TEST_F(EpochsTest, RanksThatDoNotFindTogetherInTimeAreBegunAnew) {
  EXPECT_TRUE(create_file_once(note("mnp-rank"), "#!/bin/sh\n", 0755));
  EXPECT_TRUE(create_file_once(note("mpirun"), "#!/bin/sh\nexec sleep 1000\n", 0755));
  create_epochs(Milliseconds(200));
  epochs->set_launch({});
  const TimePoint begun_at = Clock::now();
  epochs->renew("begins");
  epochs->rank_up({EpochNumber(0), NodeIndex(kMain), Rank(0), 2});  // of an epoch that was
  EXPECT_FALSE(epochs->up());
  ASSERT_TRUE(until([&] { return child_began().has_value(); }));
  const Milliseconds limit(child_began()->launch_ms);
  EXPECT_EQ(limit, Milliseconds(200) + 2 * Epochs::kLaunchOfANode);
  EXPECT_TRUE(child_ends(1));
  ASSERT_TRUE(until([&] { return epochs->number() == EpochNumber(2); }));
  EXPECT_GE(Clock::now() - begun_at, limit);
  epochs->rank_up({EpochNumber(2), NodeIndex(kMain), Rank(0), 2});
  EXPECT_TRUE(epochs->up());
  EXPECT_EQ(ups, 1);
  EXPECT_FALSE(gave_up);
  bool ended = false;
  epochs->stop([&] { ended = true; });
  EXPECT_TRUE(child_ends(2));
  EXPECT_TRUE(until([&] { return ended; }));
}

TEST_F(EpochsTest, OnceNoMoreIsToBeginALossIsTheEndOfTheLast) {
  epochs->renew("begins");
  epochs->begin_no_more();
  epochs->lost(NodeIndex(2));
  epochs->admit();
  settle(Milliseconds(20));
  EXPECT_EQ(begun.size(), 1U);
}

TEST_F(EpochsTest, WhatIsNotInstalledIsNotTriedAgain) {
  outcome = fail(Code::kConfig, "mpirun is not on PATH");
  epochs->renew("begins");
  ASSERT_TRUE(child_ends(1));
  ASSERT_TRUE(until([&] { return gave_up.has_value(); }));
  EXPECT_EQ(gave_up->code, Code::kConfig);
  EXPECT_EQ(gave_up->text, "mpirun is not on PATH");
  settle(Milliseconds(50));
  EXPECT_EQ(begun.size(), 1U);
}

TEST_F(EpochsTest, ALateNodeDoesNotDisturbAYoungEpoch) {
  epochs->renew("begins");
  const auto late = join(3);
  epochs->admit();
  settle();
  EXPECT_TRUE(epochs->up());
  EXPECT_EQ(begun.size(), 1U);
}

TEST_F(EpochsTest, StopIsDoneWhenNothingIsLeft) {
  epochs->renew("begins");
  bool done = false;
  epochs->stop([&] { done = true; });
  settle(Milliseconds(50));
  EXPECT_FALSE(done);
  ASSERT_TRUE(child_ends(1));
  ASSERT_TRUE(until([&] { return done; }));
  epochs->renew("no more");
  settle(Milliseconds(50));
  EXPECT_EQ(begun.size(), 1U);
  bool again = false;
  epochs->stop([&] { again = true; });
  EXPECT_TRUE(again);
}

TEST_F(EpochsTest, ALateWordOfAnOldEpochEndsNothing) {
  epochs->renew("begins");
  epochs->renew("another");
  ASSERT_TRUE(child_ends(1));
  ASSERT_TRUE(until([&] { return epochs->number() == EpochNumber(2); }));
  epochs->renew("third");
  epochs->node_ended(NodeIndex(2), EpochNumber(1));
  settle();
  EXPECT_EQ(begun.size(), 2U);
}

}  // namespace
}  // namespace mnp::node
