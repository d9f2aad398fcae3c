#include "mnp/node/program_stage.hpp"

#include "worker_fixture.hpp"

namespace mnp::node {
namespace {

class ProgramStageTest : public WorkerTest {
 protected:
  ProgramStageTest() { context.plan.stages.front().commands = 1; }
  ~ProgramStageTest() override { end(3); }

  void begin(const std::string& program, const std::vector<model::Event>& earlier = {}) {
    spec().program = program;
    create();
    ASSERT_TRUE(prepare());
    worker->set_epoch({EpochNumber(3), 2, 0});
    open();
    set_main_ready();
    stage = std::make_unique<ProgramStage>(context, 42);
    for (const model::Event& event : earlier) stage->restore(event);
    open_journal([this](uint64_t through) { stage->committed(through); });
    on_stored = [this](const std::vector<model::Record>& records) { stage->stored(records); };
    stage->begin(*journal, *roster, *worker,
                 {[this](const Status& done) { finished.push_back(done); },
                  [this] {
                    ++ended;
                    if (all_live) stage->let_stand(below);
                  }});
  }
  void launch(uint32_t epoch = 3) {
    MpiHosts hosts{{context.me.own_address}, 1, {"127.0.0.0/8", "lo", true}, "/opt/mnp-rsh"};
    const auto launched = stage->launch(EpochNumber(epoch), hosts, folder.path() / "epoch");
    ASSERT_TRUE(launched) << launched.error().text;
  }
  void end(uint32_t epoch) {
    if (worker) end_epoch(epoch);
  }
  static model::Event kept(uint32_t start, int exit) {
    model::RecordKept event;
    event.record.start = start;
    event.record.ending.value = exit;
    return event;
  }
  std::unique_ptr<ProgramStage> stage;
  std::vector<Status> finished;
  bool all_live = true;  // the nodes answer at once
  std::string below;  // under the program
  int ended = 0;
};

TEST_F(ProgramStageTest, AScriptFindsWhatItsMpirunNeeds) {
  begin(
      "echo $MNP_TRY $MNP_COMMAND_INDEX $MNP_STAGE $OMPI_MCA_plm_rsh_agent; "
      "cat $OMPI_MCA_orte_default_hostfile; exit 0");
  launch();
  EXPECT_TRUE(stage->running());
  ASSERT_TRUE(until([&] { return finished.size() == 1; }));
  EXPECT_TRUE(finished[0]);
  EXPECT_FALSE(stage->running());
  EXPECT_EQ(output_of(0), "1 0 work /opt/mnp-rsh\n" + context.me.own_address + " slots=2\n");
  ASSERT_TRUE(stage->record());
  const auto records = journaled<model::RecordKept>();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].identity, 42U);
  EXPECT_EQ(journaled<model::Dealt>().size(), 1U);
}

TEST_F(ProgramStageTest, RanksPerNodeStartThroughMpirun) {
  spec().ranks_per_node = 3;
  ASSERT_TRUE(replace_file(note("mpirun"), "#!/bin/sh\necho \"$@\"\n"));
  fs::permissions(note("mpirun"), fs::perms::owner_all);
  spec().env["PATH"] = folder.path().string() + ":/usr/bin:/bin";
  begin("solver --grid 512");
  launch();
  ASSERT_TRUE(until([&] { return finished.size() == 1; }));
  EXPECT_EQ(output_of(0), "--hostfile " + note("epoch/hosts") +
                              " -np 3 --map-by ppr:3:node --bind-to none -x MNP_RESULTS -x MNP_TRY"
                              " -x MNP_COMMAND_INDEX solver --grid 512\n");
}

TEST_F(ProgramStageTest, AProgramThatFailsIsAFailureAndNotStartedAgain) {
  begin("exit 3");
  launch();
  ASSERT_TRUE(until([&] { return finished.size() == 1; }));
  ASSERT_FALSE(finished[0]);
  EXPECT_EQ(finished[0].error().code, Code::kProgramFailed);
  EXPECT_EQ(finished[0].error().text, "the program ended with exit 3");
  EXPECT_TRUE(stage->ended());
  EXPECT_TRUE(stage->may_restart(NodeIndex(2)));  // the node was lost after the end
  EXPECT_EQ(finished.size(), 1U);
}

TEST_F(ProgramStageTest, AFailureStandsOnceAllNodesHaveOutlivedIt) {
  all_live = false;
  begin("exit 3");
  launch();
  ASSERT_TRUE(until([&] { return ended == 1 && stage->record().has_value(); }));
  settle();
  EXPECT_TRUE(finished.empty());
  EXPECT_FALSE(stage->ended());
  EXPECT_TRUE(journaled<model::RecordKept>().empty());
  stage->let_stand(below);
  EXPECT_TRUE(stage->ended());
  ASSERT_TRUE(until([&] { return finished.size() == 1; }));
  ASSERT_FALSE(finished[0]);
  EXPECT_EQ(finished[0].error().code, Code::kProgramFailed);
  EXPECT_EQ(journaled<model::RecordKept>().size(), 1U);
}

TEST_F(ProgramStageTest, ASuccessStandsOnlyWithAllNodesAndDaemons) {
  all_live = false;
  begin("exit 0");
  launch();
  ASSERT_TRUE(until([&] { return ended == 1 && stage->record().has_value(); }));
  settle();
  EXPECT_TRUE(finished.empty()) << "a node may be gone";
  EXPECT_TRUE(stage->doubtful());
  below = "its daemon on node 1 was killed by signal 9";
  stage->let_stand(below);
  ASSERT_TRUE(until([&] { return finished.size() == 1; }));
  ASSERT_FALSE(finished[0]);
  EXPECT_EQ(finished[0].error().code, Code::kProgramFailed);
  EXPECT_NE(finished[0].error().text.find("node 1 was killed by signal 9"), std::string::npos);
  const auto records = journaled<model::RecordKept>();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_FALSE(records[0].record.success());
}

TEST_F(ProgramStageTest, AFailureThatALostNodeExplainsCountsForNothing) {
  all_live = false;
  begin("[ $MNP_TRY = 2 ]");
  launch(1);
  ASSERT_TRUE(until([&] { return ended == 1 && stage->record().has_value(); }));
  EXPECT_TRUE(stage->may_restart(NodeIndex(2)));
  stage->let_stand(below);  // an answer that was on its way
  end(1);
  settle();
  EXPECT_TRUE(finished.empty());
  launch(2);
  ASSERT_TRUE(until([&] { return ended == 2; }));
  stage->let_stand("");
  ASSERT_TRUE(until([&] { return finished.size() == 1; }));
  EXPECT_TRUE(finished[0]);
  const auto records = journaled<model::RecordKept>();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].record.start, 2U);
}

TEST_F(ProgramStageTest, WhatALostNodeHasUndoneIsNotStoredLater) {
  begin("exit 3");
  launch(1);
  ASSERT_TRUE(stage->running());
  EXPECT_TRUE(stage->may_restart(NodeIndex(2)));  // before main hears of the program's end
  ASSERT_TRUE(until([&] { return !stored.empty(); }));
  settle();
  EXPECT_EQ(ended, 0);
  EXPECT_FALSE(stage->record());
  EXPECT_TRUE(finished.empty());
}

TEST_F(ProgramStageTest, NothingIsOverBeforeItsRecordIsInTheJournal) {
  begin("exit 0");
  journal_store.shut(true);
  launch();
  ASSERT_TRUE(until([&] { return stage->record().has_value(); }));
  settle();
  EXPECT_TRUE(finished.empty());
  journal_store.shut(false);
  EXPECT_TRUE(until([&] { return finished.size() == 1; }));
}

TEST_F(ProgramStageTest, ALostNodeStartsItAgainUntilTheRestartsAreUsedUp) {
  spec().restarts = 1;
  begin("echo $MNP_TRY >> " + note("tries") + "; exec sleep 300");
  launch(1);
  ASSERT_TRUE(until([&] { return there("tries"); }));
  EXPECT_TRUE(stage->may_restart(NodeIndex(2)));
  EXPECT_TRUE(stage->may_restart(NodeIndex(1)));  // both at once cost one restart
  end(1);
  settle(Milliseconds(50));
  EXPECT_FALSE(stage->running());
  EXPECT_FALSE(stage->ended());  // not by itself
  launch(2);
  ASSERT_TRUE(until([&] { return *read_file(note("tries")) == "1\n2\n"; }));
  EXPECT_TRUE(finished.empty());
  EXPECT_FALSE(stage->may_restart(NodeIndex(3)));
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].error().code, Code::kNodesLost);
  EXPECT_EQ(finished[0].error().text, "the program has lost node 3 after 1 restarts");
  end(2);
}

TEST_F(ProgramStageTest, StartsCountOnFromEarlierAttempts) {
  model::Dealt dealt;
  dealt.items.push_back({CommandIndex(0), 6, 42});
  begin("echo $MNP_TRY", {kept(4, 3), dealt});
  EXPECT_FALSE(stage->succeeded_before());
  launch();
  ASSERT_TRUE(until([&] { return finished.size() == 1; }));
  EXPECT_EQ(output_of(0, 7), "7\n");
}

TEST_F(ProgramStageTest, ASuccessOfAnEarlierAttemptIsFinal) {
  begin("exit 1", {kept(1, 3), kept(2, 0)});
  EXPECT_TRUE(stage->succeeded_before());
}

}  // namespace
}  // namespace mnp::node
