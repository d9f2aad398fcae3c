#include "mnp/node/main_node.hpp"

#include "node_orphans.hpp"
#include "stage_fixture.hpp"

namespace mnp::node {
namespace {

/// Another attempt claims the stage just before a line that holds `before` is committed.
class TakenStore : public FolderStore {
 public:
  TakenStore(const fs::path& root, model::StageKeys keys, std::string before)
      : FolderStore(root), keys_(std::move(keys)), before_(std::move(before)) {}
  Status put_new(const std::string& key, std::string_view bytes) override {
    if (!taken_ && bytes.find(before_) != std::string_view::npos) {
      taken_ = true;
      EXPECT_TRUE(model::claim_stage(*this, keys_, "job-2", 1));
    }
    return FolderStore::put_new(key, bytes);
  }
  bool taken() const { return taken_; }

 private:
  const model::StageKeys keys_;
  const std::string before_;
  std::atomic<bool> taken_ = false;
};

/// A stage of one node: no MPI, no children.
class MainNodeTest : public StageTest {
 protected:
  MainNodeTest() {
    context.me.nodes = 1;
    context.me.index = context.me.main_index = NodeIndex(0);
    context.plan.name = "pipeline";
    spec().nodes = 1;
    spec().slots = 1;
  }
  /// Its exit status.
  int run(const std::string& list, std::shared_ptr<Store> store = nullptr) {
    if (store) context.store = std::move(store);
    EXPECT_TRUE(context.store->put(context.keys().commands(), list));
    EXPECT_TRUE(context.store->put(context.run_keys().plan(), model::plan_to_json(context.plan)));
    Machine machine;
    machine.topology.cores = {{0}};
    machine.topology.memory_bytes = uint64_t{4} << 30;
    LinkPair link = *make_keeper_link();
    KeeperLink keeper(std::move(link.agent), *LeasePage::open(link.memory));
    MainNode main(loop, context, machine, shared_orphans(), keeper);
    if (const auto opened = main.open(); !opened) {
      ADD_FAILURE() << opened.error().text;
      return -1;
    }
    main.start();
    run_to_the_end();
    while (const auto heard = receive_from_agent(link.keeper))
      EXPECT_EQ(heard->finished.value_or(main.status()), main.status());
    return main.status();
  }
  std::shared_ptr<TakenStore> taken_before(const std::string& line) {
    return std::make_shared<TakenStore>(context.store_place, context.keys(), line);
  }
  std::string outcomes() {
    const auto rows = context.store->get(context.keys().outcomes());
    return rows ? *rows : std::string();
  }
};

TEST_F(MainNodeTest, RunsAStage) {
  EXPECT_EQ(run("true\n"), 0);
  EXPECT_NE(outcomes().find("succeeded"), std::string::npos);
  EXPECT_EQ(model::highest_claim(*context.store, context.keys())->job, "job-1");
}

TEST_F(MainNodeTest, SaysThatCommandsFailed) {
  EXPECT_EQ(run("true\nexit 3\n"), code_info(Code::kCommandsFailed).exit_status);
  EXPECT_NE(outcomes().find("failed"), std::string::npos);
}

TEST_F(MainNodeTest, FreshFailuresAreOncePerJob) {
  const std::string list = fmt::format("echo x >> {}/runs; exit 3\n", folder.path().string());
  context.me.fresh_failures = true;
  const auto runs_after = [&](const std::string& job, uint32_t attempt) {
    context.me.job = job;
    context.me.attempt = attempt;
    EXPECT_EQ(run(list), code_info(Code::kCommandsFailed).exit_status);
    return read_file(folder.path() / "runs")->size() / 2;
  };
  EXPECT_EQ(runs_after("job-1", 1), 1U);
  EXPECT_EQ(runs_after("job-1", 2), 1U) << "its tries are used up";
  EXPECT_EQ(runs_after("job-2", 1), 2U) << "a new job begins them anew";
}

TEST_F(MainNodeTest, AListWithoutCommandsIsNoSuccess) {
  spec().name = context.me.stage;
  EXPECT_TRUE(context.store->put(context.run_keys().plan(), model::plan_to_json(context.plan)));
  EXPECT_TRUE(context.store->put(context.keys().commands(), "# none\n\n"));
  LinkPair link = *make_keeper_link();
  KeeperLink keeper(std::move(link.agent), *LeasePage::open(link.memory));
  MainNode main(loop, context, {}, shared_orphans(), keeper);
  const auto opened = main.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kConfig);
  EXPECT_NE(opened.error().text.find("commands.txt has no commands"), std::string::npos)
      << opened.error().text;
}

/// Puts the outcomes only once the stage's progress has shown a sign of life a second after it
/// began.
class SlowStore : public FolderStore {
 public:
  SlowStore(const fs::path& root, model::StageKeys keys)
      : FolderStore(root), keys_(std::move(keys)) {}
  Status put_file(const std::string& key, const fs::path& from) override {
    if (key == keys_.outcomes()) {
      const TimePoint deadline = Clock::now() + std::chrono::seconds(60);
      do {
        std::this_thread::sleep_for(Milliseconds(100));
        meanwhile = get(keys_.progress()).value_or("");
      } while (!shows_life() && Clock::now() < deadline);
    }
    return FolderStore::put_file(key, from);
  }
  std::string meanwhile;

 private:
  bool shows_life() const {
    const auto progress = model::progress_from_json(meanwhile);
    return progress && progress->updated >= progress->started + 1;
  }
  const model::StageKeys keys_;
};

TEST_F(MainNodeTest, SaysThatItHasEndedOnlyOnceItsLastWordIsPut) {
  const auto store = std::make_shared<SlowStore>(context.store_place, context.keys());
  EXPECT_EQ(run("true\n", store), 0);
  const auto meanwhile = model::progress_from_json(store->meanwhile);
  ASSERT_TRUE(meanwhile) << store->meanwhile;
  EXPECT_EQ(meanwhile->state, "DRAINING");
  EXPECT_EQ(meanwhile->ended, 0);
  EXPECT_GE(meanwhile->updated, meanwhile->started + 1) << "no sign of life";
  const auto last = model::progress_from_json(*store->get(context.keys().progress()));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->state, "SUCCEEDED");
  EXPECT_GT(last->ended, 0);
}

/// The stage is the newer main's: what the old one would have said of it is not said.
TEST_F(MainNodeTest, EndsAsSupersededWhenAnotherHasTheStageByItsLastWord) {
  for (const auto& [name, list] : {std::pair{"failed", "exit 3\n"}, {"succeeded", "true\n"}}) {
    SCOPED_TRACE(name);
    context.me.run = context.plan.run = name;
    const auto store = taken_before("\"ended\"");
    EXPECT_EQ(run(list, store), code_info(Code::kSuperseded).exit_status);
    EXPECT_TRUE(store->taken());
    EXPECT_EQ(outcomes(), "") << "only an owner may write them";
  }
}

TEST_F(MainNodeTest, EndsAsSupersededWhenAnotherTakesTheStageFromIt) {
  const auto store = taken_before("\"record\"");
  EXPECT_EQ(run("true\nsleep 1000\n", store), code_info(Code::kSuperseded).exit_status);
  EXPECT_TRUE(store->taken());
}

}  // namespace
}  // namespace mnp::node
