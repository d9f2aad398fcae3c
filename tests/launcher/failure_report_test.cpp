#include "launcher/failure_report.hpp"

#include <gtest/gtest.h>

#include "cpu/output_stream.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/command_list.hpp"
#include "tests/model/journal_fixture.hpp"

namespace mnp::launcher {
namespace {

using Kind = model::Ending::Kind;

/// A run of one stage whose only attempt has journaled what the test says.
class FailureReport : public testing::Test {
 protected:
  FailureReport() {
    stage.name = "process";
    stage.state = "FAILED";
    stage.attempt = 1;
    stage.status = 10;
    spec.name = "process";
    plan();
    list("true\nfirst --of a\nsecond\nthird\n");
  }
  void list(const std::string& text) {
    ASSERT_TRUE(run.store->put(run.stage("process").commands(), text));
    ids = model::CommandList::parse(text, "list")->identities();
  }
  void plan() {
    model::Plan planned{run.id, "demo", "/", {{spec, 0, {}}}};
    ASSERT_TRUE(run.store->put(run.keys().plan(), model::plan_to_json(planned)));
  }
  model::AttemptKeys attempt() const {
    return model::AttemptKeys::of(run.stage("process"), "job", 1);
  }
  model::RecordKept kept(uint32_t command, model::Ending ending, uint32_t start = 1) const {
    model::Record record = model::failed_record(command, start, 3);
    record.ending = ending;
    record.output.segment = 1;
    return {record, ids[command]};
  }
  void journal(const std::vector<model::Event>& events) {
    ASSERT_TRUE(
        model::write_journal(*run.store, attempt().journal(), {{model::begun_of(1)}, events}));
  }
  void print(uint32_t command, uint32_t start, const std::string& bytes) {
    ASSERT_TRUE(stream.append(CommandIndex(command), start, bytes));
  }
  void write_output() {
    ASSERT_TRUE(cpu::write_segment(*run.store, attempt().output(NodeIndex(3), Incarnation(1)),
                                   *stream.take()));
  }
  std::vector<FailedCommand> failed() {
    auto commands = failed_commands(run, "process");
    EXPECT_TRUE(commands) << commands.error().text;
    return commands ? *commands : std::vector<FailedCommand>{};
  }

  TemporaryFolder folder = *TemporaryFolder::create("failure-report-test-");
  RunFolder run = run_folder(folder.path(), "demo-20260131-142501-k3f9");
  StageState stage;
  model::StageSpec spec;
  std::vector<uint64_t> ids;
  cpu::OutputStream stream;
};

TEST_F(FailureReport, NamesTheFirstCommandItsWordsAndWhatToType) {
  journal({kept(0, {}), kept(2, {Kind::kTimedOut, 0}), kept(1, {Kind::kExited, 3})});
  print(1, 1, "one\ntwo\n");
  print(2, 1, "of the second\n");
  write_output();
  EXPECT_EQ(failure_report(run, stage),
            "stage process failed with status 10: commands failed after their tries\n"
            "  command 1 on node 3: exit 3: first --of a\n"
            "    | one\n"
            "    | two\n"
            "  and 1 more\n"
            "  mnp logs demo-20260131-142501-k3f9 process --store " +
                folder.path().string() +
                " --failed  shows what failed commands printed\n"
                "  mnp resume demo-20260131-142501-k3f9 --store " +
                folder.path().string() + "                 runs what is not done");
}

TEST_F(FailureReport, ShowsTheEndOfLongOutputAndTheStartOfALongLine) {
  list("true\n" + std::string(500, 'x') + "\n");
  journal({kept(1, {Kind::kExited, 3})});
  for (int line = 1; line <= 15; ++line) print(1, 1, "line " + std::to_string(line) + "\n");
  write_output();
  const std::string report = failure_report(run, stage);
  EXPECT_EQ(report.find("line 3\n"), std::string::npos) << report;
  EXPECT_NE(report.find("    | line 4\n"), std::string::npos) << report;
  EXPECT_NE(report.find("    | line 15\n"), std::string::npos) << report;
  EXPECT_NE(report.find(std::string(160, 'x') + "\n"), std::string::npos);
  EXPECT_EQ(report.find(std::string(161, 'x')), std::string::npos);
}

TEST_F(FailureReport, TellsAttemptsAndReason) {
  stage.attempt = 3;
  stage.status = 31;
  stage.reason = "2 nodes lost: 1, 3";
  const std::string report = failure_report(run, stage);
  EXPECT_TRUE(starts_with(report,
                          "stage process failed with status 31: too many nodes lost (3 attempts)\n"
                          "  2 nodes lost: 1, 3\n"))
      << report;
  EXPECT_NE(report.find(" --runtime  shows what the nodes said"), std::string::npos) << report;
}

TEST_F(FailureReport, ProgramIsShownAsACommandIs) {
  ASSERT_TRUE(run.store->remove(run.stage("process").commands()));
  spec.program = "solver \\\n --grid 512";
  plan();
  ids = model::CommandList::parse("solver \\  --grid 512", "program")->identities();
  journal({kept(0, {Kind::kExited, 3})});
  print(0, 1, "grid too large\n");
  write_output();
  stage.status = 11;
  ASSERT_EQ(failed().size(), 1u);
  EXPECT_EQ(*last_output(run, failed()[0], 100), "grid too large\n");
  std::string report = failure_report(run, stage);
  EXPECT_NE(report.find("  the program on node 3: exit 3: solver \\  --grid 512\n"
                        "    | grid too large\n"),
            std::string::npos)
      << report;
  EXPECT_NE(report.find("shows what it printed"), std::string::npos) << report;

  const std::string dashes(74, '-'), remark = dashes + "\nmpirun says\nso much\n" + dashes + "\n";
  print(0, 1, remark + remark);
  write_output();
  report = failure_report(run, stage);
  EXPECT_NE(report.find("    | grid too large\n  mnp logs"), std::string::npos) << report;

  print(0, 1, dashes + "\nmpirun was unable to find solver\n" + dashes + "\n");
  write_output();
  report = failure_report(run, stage);
  EXPECT_NE(report.find("    | mpirun was unable to find solver\n"), std::string::npos) << report;
}

TEST_F(FailureReport, TimedOutSaysAfterHowLong) {
  spec.timeout = Milliseconds(90000);
  plan();
  journal({kept(1, {Kind::kTimedOut, 0})});
  ASSERT_EQ(failed().size(), 1u);
  EXPECT_EQ(failed()[0].what, "timed out after 1m30s");
}

TEST_F(FailureReport, MainThatCouldNotWriteItsReasonIsQuotedFromItsLog) {
  stage.status = 32;
  ASSERT_TRUE(run.store->put(attempt().attempt + "/log/node-0000.log",
                             "2026-11-25T23:20:33.017 I node 0: listens\n"
                             "2026-11-25T23:20:33.018 E node 0: create /store/x: No space\n"));
  EXPECT_TRUE(starts_with(failure_report(run, stage),
                          "stage process failed with status 32: the store could not be reached, or "
                          "is full\n  node 0: create /store/x: No space\n  mnp logs"))
      << failure_report(run, stage);
  stage.reason = "what main wrote down";
  EXPECT_EQ(failure_report(run, stage).find("No space"), std::string::npos);
}

TEST_F(FailureReport, JobThatNeverStartedHasAStatusAllTheSame) {
  stage.status.reset();
  EXPECT_EQ(exit_status_of(stage), 20);
  stage.status = 0;
  EXPECT_EQ(exit_status_of(stage), 20) << "a stage that failed never ends with 0";
  stage.status = 137;
  EXPECT_EQ(exit_status_of(stage), 137);
}

TEST_F(FailureReport, FailedCommandsAreInListOrderWithWhatEndedThem) {
  model::RecordKept unpublished = kept(0, {});
  unpublished.record.error = "publish results: 'a' is there";
  journal({model::Poisoned{CommandIndex(3), ids[3]}, kept(2, {Kind::kTimedOut, 0}),
           kept(1, {Kind::kExited, 3}), kept(1, {}, 2), unpublished});
  const auto commands = failed();
  ASSERT_EQ(commands.size(), 3u);
  EXPECT_EQ(commands[0].what, "exit 0; publish results: 'a' is there");
  EXPECT_EQ(commands[1].what, "timed out");
  EXPECT_EQ(commands[2].what, "poisoned: its node died under it every time");
  EXPECT_EQ(commands[1].line, "second");
  EXPECT_EQ(commands[1].index, CommandIndex(2));
  EXPECT_EQ(commands[1].node, NodeIndex(3));
  EXPECT_EQ(commands[1].output, attempt().attempt + "/output/node-0003.1");
}

TEST_F(FailureReport, ListThatCannotBeReadIsAnError) {
  list("true\n");
  ASSERT_TRUE(run.store->put(run.stage("process").commands(), std::string("a\0b\n", 4)));
  EXPECT_FALSE(failed_commands(run, "process"));
}

TEST_F(FailureReport, LastOutputIsOfTheLastStartAndTheCommandAlone) {
  journal({kept(1, {Kind::kExited, 3}, 1), kept(1, {Kind::kExited, 4}, 2)});
  print(1, 1, "of the first start\n");
  print(1, 2, "of the ");
  print(2, 2, "of another command\n");
  print(1, 2, "second\n");
  write_output();
  const auto commands = failed();
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0].start, 2u);
  EXPECT_EQ(*last_output(run, commands[0], 100), "of the second\n");
  EXPECT_EQ(*last_output(run, commands[0], 7), "second\n");
}

TEST_F(FailureReport, LastOutputKeepsTheEndOfManyChunks) {
  journal({kept(1, {Kind::kExited, 3})});
  std::string all;
  for (int i = 0; i < 100; ++i) {
    const std::string chunk = std::to_string(i) + " ";
    print(1, 1, chunk);
    print(2, 1, "between");  // so that each is a chunk of its own
    all += chunk;
  }
  write_output();
  const FailedCommand command = failed().at(0);
  for (size_t limit = 1; limit <= all.size(); ++limit)
    EXPECT_EQ(*last_output(run, command, limit), all.substr(all.size() - limit));
}

TEST_F(FailureReport, LastOutputSaysThatItWasCut) {
  journal({kept(1, {Kind::kExited, 3})});
  print(1, 1, "abc");
  stream.cut(CommandIndex(1), 1, 3);
  write_output();
  EXPECT_EQ(*last_output(run, failed().at(0), 100),
            "abc\n[mnp: output cut at 3 bytes; see max_output]");
}

TEST_F(FailureReport, CommandThatPrintedNothingHasNoOutputToRead) {
  model::RecordKept silent = kept(1, {Kind::kExited, 3});
  silent.record.output.segment = 0;
  journal({silent});
  EXPECT_EQ(*last_output(run, failed()[0], 100), "");
  EXPECT_NE(failure_report(run, stage).find("first --of a\n  mnp logs"), std::string::npos);
}

TEST(MeaningOf, KnowsEveryStatusThatAnErrorLeadsTo) {
  EXPECT_EQ(meaning_of(10), "commands failed after their tries");
  for (int code = static_cast<int>(Code::kConfig); code <= static_cast<int>(Code::kBug); ++code) {
    const CodeInfo& info = code_info(static_cast<Code>(code));
    EXPECT_NE(meaning_of(info.exit_status), "") << info.name;
  }
  EXPECT_EQ(meaning_of(137), "the main node was killed");
  EXPECT_EQ(meaning_of(139), "the main node was killed by a signal");
  EXPECT_EQ(meaning_of(3), "");
}

}  // namespace
}  // namespace mnp::launcher
