#include "mnp/node/executor.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>

#include "mnp/core/text.hpp"
#include "mnp/node/publish.hpp"
#include "node_orphans.hpp"
#include "waiting.hpp"

namespace mnp::node {
namespace {

class ExecutorTest : public testing::Test {
 protected:
  void start(uint32_t slots, model::StageSpec spec = {}) {
    ExecutorOptions options;
    for (uint32_t i = 0; i < slots; ++i) options.slots.push_back({SlotIndex(i), {}, {}});
    options.environment = std::make_shared<const std::vector<std::string>>(
        std::vector<std::string>{"PATH=/usr/local/bin:/usr/bin:/bin", "FROM=stage"});
    options.spec = std::move(spec);
    options.node = NodeIndex(3);
    options.incarnation = Incarnation(2);
    options.folder = folder.path() / "slots";
    auto made =
        Executor::create(std::move(options), shared_orphans(), *committer, [this] { ++told; });
    ASSERT_TRUE(made) << made.error().text;
    executor = std::move(*made);
  }
  void deal(const std::vector<std::string>& lines, uint32_t start_number = 1) {
    std::vector<model::Deal::Item> items;
    for (const std::string& line : lines)
      items.push_back({CommandIndex(next++), start_number, line});
    executor->deal(std::move(items));
  }
  /// Once all that was dealt is stored, in the order of commands.
  std::vector<model::Record> records() {
    EXPECT_TRUE(eventually([&] {
      const std::scoped_lock lock(mutex);
      return stored.size() == next;
    }));
    const std::scoped_lock lock(mutex);
    std::sort(stored.begin(), stored.end(),
              [](const auto& a, const auto& b) { return a.command < b.command; });
    return stored;
  }
  std::string output_of(uint32_t command) {
    std::string text;
    (void)cpu::read_output(*store, "out", CommandIndex(command), 1,
                           [&](const cpu::OutputChunk& chunk) { text += chunk.bytes; });
    return text;
  }
  static TimePoint hang() { return Clock::now() + kHangs; }
  bool there(const std::string& name) const { return fs::exists(folder.path() / name); }
  std::string note(const std::string& name) const { return (folder.path() / name).string(); }

  TemporaryFolder folder = *TemporaryFolder::create("executor-test-");
  std::shared_ptr<MemoryStore> store = std::make_shared<MemoryStore>();
  uint32_t next = 0;
  std::atomic<int> told{0};
  std::mutex mutex;
  std::vector<model::Record> stored;
  std::unique_ptr<Committer> committer = std::make_unique<Committer>(
      store, "out",
      std::make_unique<FolderPublisher>(PublishTarget{
          folder.path() / "results", folder.path() / "partials", std::nullopt, OwnerNumber(1)}),
      Milliseconds(2), Milliseconds(60000),
      Committer::Callbacks{[this](std::vector<model::Record> some) {
                             const std::scoped_lock lock(mutex);
                             for (auto& record : some) stored.push_back(std::move(record));
                           },
                           [](Error error) { ADD_FAILURE() << error.text; }});
  std::unique_ptr<Executor> executor;  // goes before the committer
};

TEST_F(ExecutorTest, ANewEnvironmentIsOfWhatStartsFromThenOn) {
  start(1);
  deal({"touch " + note("up") + "; while ! test -e " + note("go") +
            "; do sleep 0.01; done; echo $FROM",
        "echo $FROM"});
  ASSERT_TRUE(eventually([&] { return there("up"); }));
  executor->set_environment(std::make_shared<const std::vector<std::string>>(
      std::vector<std::string>{"PATH=/usr/local/bin:/usr/bin:/bin", "FROM=next epoch"}));
  ASSERT_TRUE(create_file_once(note("go"), ""));
  (void)records();
  ASSERT_TRUE(committer->flush(hang()));
  EXPECT_EQ(output_of(0), "stage\n");
  EXPECT_EQ(output_of(1), "next epoch\n");
}

TEST_F(ExecutorTest, RunsWhatIsDealtAndSaysHowItEnded) {
  start(2);
  deal({"echo one", "exit 3", "kill -9 $$", "/nowhere/x"});
  const auto all = records();
  EXPECT_TRUE(all[0].success());
  EXPECT_EQ(output_of(0), "one\n");
  EXPECT_EQ(all[0].output.length, 4U);
  EXPECT_EQ(all[1].ending, (model::Ending{model::Ending::Kind::kExited, 3}));
  EXPECT_EQ(all[2].ending, (model::Ending{model::Ending::Kind::kSignalled, 9}));
  EXPECT_FALSE(all[3].success());
  for (const model::Record& record : all) {
    EXPECT_EQ(record.node, NodeIndex(3));
    EXPECT_EQ(record.incarnation, Incarnation(2));
    EXPECT_GT(record.started, 1e9);
    EXPECT_GE(record.ended, record.started);
  }
}

TEST_F(ExecutorTest, EachCommandSeesItsOwnVariables) {
  model::StageSpec spec;
  spec.cwd = "/usr";
  start(1, spec);
  deal({"echo $MNP_COMMAND_INDEX $MNP_TRY $MNP_SLOT $AWS_BATCH_JOB_ARRAY_INDEX $FROM; pwd; "
        "test -z \"$(ls -A $MNP_RESULTS)\" && echo empty"},
       7);
  EXPECT_EQ(records()[0].start, 7U);
  EXPECT_EQ(output_of(0), "0 7 0 0 stage\n/usr\nempty\n");
}

TEST_F(ExecutorTest, RanIsReportedOnceForEachStart) {
  start(2);
  deal(std::vector<std::string>(50, "true"));
  std::vector<bool> seen(50, false);
  size_t count = 0;
  ASSERT_TRUE(eventually([&] {
    for (const auto& item : executor->take_ran().items) {
      EXPECT_FALSE(seen.at(item.command.value()));
      seen[item.command.value()] = true;
      ++count;
    }
    return count == 50;
  }));
  records();
  EXPECT_TRUE(executor->take_ran().items.empty());
  EXPECT_GT(told, 0);
  executor->kept(50);
}

TEST_F(ExecutorTest, MainHearsOfTheLastEndWithoutBeingAsked) {
  start(1);
  deal({"true", "true", "true"});
  ASSERT_TRUE(eventually([&] { return told >= 2; }));  // at half of the queue and below
  records();
  EXPECT_EQ(executor->take_ran().items.size(), 3U);
}

TEST_F(ExecutorTest, ResultsArePublishedAndAnUntouchedFolderIsUsedAgain) {
  start(1);
  deal({"echo $MNP_RESULTS", "echo $MNP_RESULTS; echo x > $MNP_RESULTS/x", "echo $MNP_RESULTS",
        "echo $MNP_RESULTS; mkdir $MNP_RESULTS/d", "echo $MNP_RESULTS; rmdir $MNP_RESULTS",
        "echo $MNP_RESULTS; chmod 0 $MNP_RESULTS", "test -d $MNP_RESULTS && echo $MNP_RESULTS"});
  const auto all = records();
  for (const auto& record : all) EXPECT_TRUE(record.success()) << record.error;
  EXPECT_EQ(output_of(0), output_of(1));
  EXPECT_NE(output_of(1), output_of(2));
  EXPECT_EQ(output_of(2), output_of(3));
  EXPECT_NE(output_of(3), output_of(4));
  EXPECT_NE(output_of(4), output_of(5));
  EXPECT_NE(output_of(5), output_of(6));
  ASSERT_EQ(all[1].files.size(), 1U);
  EXPECT_EQ(all[1].files[0].path, "x");
  EXPECT_EQ(*read_file(folder.path() / "results/x"), "x\n");
  EXPECT_EQ(list_folder(folder.path() / "slots")->size(), 1U);  // the others are gone
}

TEST_F(ExecutorTest, NoFolderForResultsIsTheCommandsFailure) {
  start(1);
  deal({"echo x > $MNP_RESULTS/x; mv " + note("slots") + " " + note("moved") + "; echo > " +
        note("slots")});
  EXPECT_NE(records()[0].error.find("slots"), std::string::npos) << "what it left is lost";
  deal({"echo must not run"});
  const auto all = records();
  EXPECT_EQ(all[1].ending.kind, model::Ending::Kind::kNotStarted);
  EXPECT_NE(all[1].error.find("slots"), std::string::npos) << all[1].error;
  EXPECT_EQ(output_of(1), "");
}

TEST_F(ExecutorTest, ATimeoutEndsACommand) {
  model::StageSpec spec;
  spec.timeout = Milliseconds(100);
  start(1, spec);
  deal({"sleep 300"});
  EXPECT_EQ(records()[0].ending.kind, model::Ending::Kind::kTimedOut);
}

TEST_F(ExecutorTest, OutputOverTheLimitIsCut) {
  model::StageSpec spec;
  spec.max_output = 4;
  start(1, spec);
  deal({"echo 123456789"});
  EXPECT_TRUE(records()[0].output.truncated);
  EXPECT_EQ(output_of(0), "1234");
}

TEST_F(ExecutorTest, DrainEndsCommandsWithTheirDescendants) {
  start(2);
  deal({"echo $$ > " + note("pid-0") + "; sleep 300",
        "setsid sh -c 'trap : TERM; echo $$ > " + note("pid-1") +
            "; while :; do sleep 1; done' & wait",
        "touch " + note("never")});
  ASSERT_TRUE(eventually([&] {
    const auto first = read_file(note("pid-0")), second = read_file(note("pid-1"));
    return first && second && !first->empty() && !second->empty();
  }));
  executor->drain(Milliseconds(100));
  ASSERT_TRUE(executor->wait_idle(hang()));
  for (const char* name : {"pid-0", "pid-1"}) {
    const std::string pid(trim(*read_file(note(name))));
    const auto words = read_file("/proc/" + pid + "/cmdline");
    EXPECT_TRUE(!words || words->find("sleep") == std::string::npos) << *words;
  }
  deal({"touch " + note("never")});
  ASSERT_TRUE(committer->flush(hang()));
  EXPECT_TRUE(executor->take_ran().items.empty());  // as if they had never been dealt
  EXPECT_TRUE(stored.empty());
  executor.reset();
  EXPECT_FALSE(there("never"));
}

TEST_F(ExecutorTest, DrainKeepsWhatHadEnded) {
  start(1);
  deal({"echo done"});
  records();
  executor->drain(Milliseconds(0));
  EXPECT_TRUE(executor->wait_idle(hang()));
  EXPECT_EQ(executor->take_ran().items.size(), 1U);
}

TEST_F(ExecutorTest, WaitIdleHasADeadline) {
  start(1);
  deal({"sleep 300"});
  ASSERT_TRUE(eventually([&] { return !executor->wait_idle(Clock::now()); }));
  EXPECT_FALSE(executor->wait_idle(Clock::now() + Milliseconds(20)));
}

}  // namespace
}  // namespace mnp::node
