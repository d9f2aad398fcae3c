#include "launcher/command_numbers.hpp"

#include <gtest/gtest.h>

#include "tests/model/journal_fixture.hpp"

namespace mnp::launcher {
namespace {

class Numbers : public testing::Test {
 protected:
  Numbers() { stage.spec.name = "process"; }
  model::CommandList list(const std::string& text) {
    EXPECT_TRUE(run.store->put(run.stage("process").commands(), text));
    return *model::CommandList::parse(text, "list");
  }
  std::string attempt(uint32_t number) const {
    return model::AttemptKeys::of(run.stage("process"), "job", number).attempt;
  }
  /// An attempt with this list in which every command was dealt, and the first kept.
  void attempted(uint32_t number, const std::string& text) {
    const auto then = list(text);
    const auto ids = then.identities();
    model::Begun begun = model::begun_of(number, number);
    begun.list_digest = then.digest();
    model::Record kept = model::failed_record(0, 1);
    kept.ending = {};
    model::Dealt dealt{NodeIndex(0), Incarnation(1), {}, false};
    for (uint32_t i = 0; i < ids.size(); ++i) dealt.items.push_back({CommandIndex(i), 1, ids[i]});
    ASSERT_TRUE(model::write_journal(*run.store, model::AttemptKeys{attempt(number)}.journal(),
                                     {{begun, dealt, model::RecordKept{kept, ids[0]}}}));
  }
  CommandNumbers read() {
    auto numbers = CommandNumbers::read(run, stage);
    EXPECT_TRUE(numbers) << numbers.error().text;
    return *numbers;
  }
  static std::optional<CommandIndex> at(uint32_t index) { return CommandIndex(index); }

  TemporaryFolder folder = *TemporaryFolder::create("command-numbers-test-");
  RunFolder run = run_folder(folder.path(), "demo-20260131-142501-k3f9");
  model::StagePlan stage;
};

TEST_F(Numbers, OfAListThatNobodyEditedStayAsTheyAre) {
  list("a\nb\n");
  EXPECT_FALSE(read().changed()) << "nothing has run";
  attempted(1, "a\nb\n");
  EXPECT_FALSE(read().changed());
  EXPECT_EQ(read().now(attempt(1), CommandIndex(1)), at(1));
  EXPECT_EQ(read().then(attempt(1), CommandIndex(1)), at(1));
}

TEST_F(Numbers, FollowACommandThatMoved) {
  attempted(1, "a\nb\ngone\nc\n");
  attempted(2, "c\nb\na\nd\n");
  const CommandNumbers numbers = read();
  EXPECT_TRUE(numbers.changed());
  EXPECT_EQ(numbers.now(attempt(1), CommandIndex(0)), at(2));
  EXPECT_EQ(numbers.now(attempt(1), CommandIndex(1)), at(1));
  EXPECT_EQ(numbers.now(attempt(1), CommandIndex(2)), std::nullopt);
  EXPECT_EQ(numbers.now(attempt(1), CommandIndex(3)), at(0));
  EXPECT_EQ(numbers.then(attempt(1), CommandIndex(0)), at(3));
  EXPECT_EQ(numbers.then(attempt(1), CommandIndex(2)), at(0));
  EXPECT_EQ(numbers.then(attempt(1), CommandIndex(3)), std::nullopt) << "it was another's number";
  EXPECT_EQ(numbers.then(attempt(2), CommandIndex(3)), at(3));
}

TEST_F(Numbers, ThatOnlyVanishedHaveNotChanged) {
  attempted(1, "a\nb\n");
  list("a\n");
  EXPECT_FALSE(read().changed());
  EXPECT_EQ(read().now(attempt(1), CommandIndex(1)), std::nullopt);
}

TEST_F(Numbers, ThatAreReadAreRefusedWhenTheyHaveChanged) {
  attempted(1, "a\necho $MNP_COMMAND_INDEX\n");
  EXPECT_TRUE(refuse_renumbered(run, stage));
  list("a\necho $MNP_COMMAND_INDEX\nnew\n");
  EXPECT_TRUE(refuse_renumbered(run, stage)) << "none has another number";
  list("new\na\necho $MNP_COMMAND_INDEX\n");
  const auto refused = refuse_renumbered(run, stage);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("command 2 reads MNP_COMMAND_INDEX"), std::string::npos);
  list("new\na\n");
  EXPECT_TRUE(refuse_renumbered(run, stage)) << "nobody reads them";
  list("echo $AWS_BATCH_JOB_ARRAY_INDEX\na\n");
  EXPECT_FALSE(refuse_renumbered(run, stage));
}

TEST_F(Numbers, OfAProgramAreOne) {
  stage.spec.program = "solver --grid 4";
  const auto ids = model::CommandList::of_program(stage.spec.program)->identities();
  ASSERT_TRUE(model::write_journal(
      *run.store, model::AttemptKeys{attempt(1)}.journal(),
      {{model::begun_of(1), model::RecordKept{model::failed_record(0, 1), ids[0]}}}));
  EXPECT_EQ(read().now(attempt(1), CommandIndex(0)), at(0));
}

}  // namespace
}  // namespace mnp::launcher
