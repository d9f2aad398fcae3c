#include "mnp/node/worker.hpp"

#include "worker_fixture.hpp"

namespace mnp::node {
namespace {

TEST_F(WorkerTest, PreparesItsSlots) {
  create();
  const auto slots = prepare();
  ASSERT_TRUE(slots) << slots.error().text;
  EXPECT_EQ(*slots, 2U);
}

TEST_F(WorkerTest, SetupRunsOnceBeforeTheFirstCommand) {
  spec().setup = "echo setup $MNP_STAGE >> " + note("log");
  start();
  deal(0, "echo command >> " + note("log"));
  ASSERT_TRUE(until([&] { return stored.size() == 1; }));
  EXPECT_EQ(*read_file(note("log")), "setup work\ncommand\n");
}

TEST_F(WorkerTest, SetupSeesTheAddressThatWasKnownWhenItBegan) {
  spec().setup = "echo $MASTER_ADDR > " + note("address");
  const std::string before = context.me.own_address;
  create();
  bool ready = false;
  ASSERT_TRUE(worker->prepare([&](const Result<uint32_t>&) { ready = true; }));
  context.me.own_address = "127.9.9.9";  // as main does when its first child joins
  ASSERT_TRUE(until([&] { return ready; }));
  EXPECT_EQ(*read_file(note("address")), (before.empty() ? "127.0.0.1" : before) + "\n");
}

TEST_F(WorkerTest, CommandsSeeTheNodesOfTheEpochTheyStartIn) {
  create();
  ASSERT_TRUE(prepare());
  worker->set_epoch({EpochNumber(1), 4, 0});
  ASSERT_TRUE(worker->start_slots());
  deal(0, "echo $NNODES $NODE_RANK");
  ASSERT_TRUE(until([&] { return stored.size() == 1; }));
  end_epoch(1);
  worker->set_epoch({EpochNumber(2), 3, 2});
  deal(1, "echo $NNODES $NODE_RANK");
  ASSERT_TRUE(until([&] { return stored.size() == 2; }));
  EXPECT_EQ(output_of(0), "4 0\n");
  EXPECT_EQ(output_of(1), "3 2\n");
}

TEST_F(WorkerTest, ANodeWhoseSetupFailsCannotTakePart) {
  spec().setup = "exit 3";
  create();
  const auto slots = prepare();
  ASSERT_FALSE(slots);
  EXPECT_EQ(slots.error().code, Code::kConfig);
  EXPECT_EQ(slots.error().text, "setup: exit 3: exit 3");
}

TEST_F(WorkerTest, MoreGpusThanThereAreIsAnError) {
  spec().gpus = 1;
  create();
  const auto slots = prepare();
  ASSERT_FALSE(slots);
  EXPECT_EQ(slots.error().code, Code::kConfig) << slots.error().text;
}

TEST_F(WorkerTest, CommandsRunAreStoredAndKept) {
  start();
  deal(0, "echo words");
  deal(1, "exit 4");
  ASSERT_TRUE(until([&] { return stored.size() == 2; }));
  EXPECT_EQ(ran.size(), 2U);
  EXPECT_EQ(output_of(0), "words\n");
  EXPECT_EQ(worker->unkept().size(), 2U);
  EXPECT_TRUE(worker->held().items.empty());
  worker->kept({{{CommandIndex(0), 1}, {CommandIndex(7), 1}}});
  ASSERT_EQ(worker->unkept().size(), 1U);
  EXPECT_EQ(worker->unkept()[0].ending, (model::Ending{model::Ending::Kind::kExited, 4}));
}

TEST_F(WorkerTest, WhatHasEndedIsSaidBeforeWhatIsStored) {
  start();
  bool in_order = true;
  on_stored = [&](const std::vector<model::Record>& records) {
    for (const model::Record& record : records)
      in_order &= std::count(ran.begin(), ran.end(), record.command.value()) == 1;
  };
  for (uint32_t i = 0; i < 40; ++i) deal(i, "true");
  ASSERT_TRUE(until([&] { return stored.size() == 40; }));
  EXPECT_TRUE(in_order);
}

TEST_F(WorkerTest, ADealThatIsSaidAgainRunsOnce) {
  start();
  const std::string line =
      "echo x >> " + note("log") + "; while ! test -e " + note("go") + "; do sleep 0.01; done";
  deal(0, line);
  deal(0, line);
  EXPECT_EQ(worker->held().items.size(), 1U);
  ASSERT_TRUE(create_file_once(note("go"), ""));
  ASSERT_TRUE(until([&] { return stored.size() == 1; }));
  deal(0, line);  // stored, and main has not heard of it
  deal(1, "true");
  ASSERT_TRUE(until([&] { return stored.size() == 2; }));
  EXPECT_EQ(*read_file(note("log")), "x\n");
}

TEST_F(WorkerTest, ADrainEndsCommandsAndStoresWhatRan) {
  start();
  deal(0, "echo ran");
  deal(1, "trap 'echo ended; exit 0' TERM; touch " + note("up") + "; while :; do sleep 0.05; done");
  deal(2, "sleep 300 & sleep 300");
  ASSERT_TRUE(until([&] { return there("up") && !stored.empty(); }));
  std::optional<Status> done;
  worker->drain(Milliseconds(5000), Milliseconds(5000),
                [&](const Drained& all) { done = all.stored; });
  ASSERT_TRUE(until([&] { return done.has_value(); }));
  EXPECT_TRUE(*done);
  EXPECT_EQ(stored.front().command, CommandIndex(0));
}

TEST_F(WorkerTest, ADrainBeforeAnythingIsPreparedIsDone) {
  create();
  std::optional<Status> done;
  worker->drain(Milliseconds(100), Milliseconds(100),
                [&](const Drained& all) { done = all.stored; });
  ASSERT_TRUE(until([&] { return done.has_value(); }));
  EXPECT_TRUE(*done);
}

TEST_F(WorkerTest, ADrainEndsASetupThatHangs) {
  spec().setup = "touch " + note("up") + "; sleep 300";
  create();
  std::optional<Result<uint32_t>> slots;
  ASSERT_TRUE(worker->prepare([&](const Result<uint32_t>& got) { slots = got; }));
  ASSERT_TRUE(until([&] { return there("up"); }));
  bool done = false;
  worker->drain(Milliseconds(5000), Milliseconds(100), [&](const Drained&) { done = true; });
  ASSERT_TRUE(until([&] { return done && slots; }));
  EXPECT_FALSE(*slots);
}

class WorkerProgram : public WorkerTest {
 protected:
  WorkerProgram() { spec().program = "solver"; }
  void run(uint32_t epoch, uint32_t number, const std::string& line) {
    cpu::Start how;
    how.base = std::make_shared<const std::vector<std::string>>(worker->daemon_base());
    how.line = line;
    const auto started = worker->start_program(EpochNumber(epoch), number, how,
                                               [this](const cpu::Finished&) { ++ended; });
    ASSERT_TRUE(started) << started.error().text;
  }
  int ended = 0;
};

TEST_F(WorkerProgram, IsCommand0WithOutputAndResults) {
  create();
  ASSERT_EQ(prepare().value_or(0), 1U);
  run(1, 4, "echo $MNP_STAGE $MNP_RUN; echo data > $MNP_RESULTS/data");
  ASSERT_TRUE(until([&] { return stored.size() == 1; }));
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(stored[0].command, CommandIndex(0));
  EXPECT_EQ(stored[0].start, 4U);
  EXPECT_TRUE(stored[0].success());
  EXPECT_EQ(output_of(0, 4), "work run-1\n");
  EXPECT_EQ(*read_file(context.path(context.keys().results()) / "data"), "data\n");
}

TEST_F(WorkerProgram, OneThatItsEpochsEndHasEndedNeverRan) {
  create();
  ASSERT_TRUE(prepare());
  run(1, 1, "touch " + note("up") + "; sleep 300");
  ASSERT_TRUE(until([&] { return there("up"); }));
  end_epoch(1);
  ASSERT_TRUE(until([&] { return ended == 1; }));
  run(2, 2, "exit 3");
  ASSERT_TRUE(until([&] { return !stored.empty(); }));
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored[0].start, 2U);
  EXPECT_EQ(stored[0].ending, (model::Ending{model::Ending::Kind::kExited, 3}));
}

}  // namespace
}  // namespace mnp::node
