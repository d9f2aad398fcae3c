#include "mnp/node/context.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>

namespace mnp::node {
namespace {

class ContextTest : public testing::Test {
 protected:
  void SetUp() override {
    me.job = "0a1b2c3d4e";
    me.attempt = 2;
    me.index = me.main_index = NodeIndex(1);
    me.nodes = 4;
    me.port = 26117;
    me.run = "r-1";
    me.stage = "process";
    me.store = (folder.path() / "store").string();
    me.scratch_root = (folder.path() / "scratch").string();
  }
  Context make() const { return *make_context(me, Incarnation(1)); }
  /// With a plan of one stage.
  Context planned(const model::StageSpec& spec = {}) const {
    Context context = make();
    model::StagePlan stage;
    stage.spec = spec;
    stage.spec.name = me.stage;
    stage.commands = 12;
    context.plan.stages.push_back(stage);
    return context;
  }
  /// Every value that the environment has for this name.
  static std::vector<std::string> values(const std::vector<std::string>& environment,
                                         const std::string& name) {
    std::vector<std::string> found;
    for (const std::string& entry : environment)
      if (entry.compare(0, name.size() + 1, name + "=") == 0)
        found.push_back(entry.substr(name.size() + 1));
    return found;
  }
  using One = std::vector<std::string>;

  TemporaryFolder folder = *TemporaryFolder::create("context-test-");
  Identity me;
};

TEST_F(ContextTest, MakesTheScratchFolders) {
  const Context context = make();
  for (const fs::path& made :
       {context.scratch.inputs(), context.scratch.received(), context.scratch.slots(),
        context.scratch.shared(), context.scratch.temporary()})
    EXPECT_TRUE(fs::is_directory(made)) << made;
  EXPECT_LT(context.scratch.socket().size(), folder.path().string().size() + 60);
  EXPECT_EQ(context.attempt().journal(), "runs/r-1/stages/process/attempts/0a1b2c3d4e-2/journal");
}

TEST_F(ContextTest, WithoutAStoreTheRunLiesOnTheScratchDisk) {
  me.store.clear();
  const Context context = make();
  EXPECT_EQ(context.store_place, (folder.path() / "scratch/mnp-runs").string());
}

TEST_F(ContextTest, APlanComesFromTheStore) {
  Context context = make();
  ASSERT_FALSE(load_plan(context));
  model::Plan plan;
  plan.run = "r-1";
  plan.name = "p";
  plan.folder = "/";
  plan.stages.resize(2);
  plan.stages[0].spec.name = "before";
  plan.stages[1].spec.name = "process";
  plan.stages[1].commands = 7;
  ASSERT_TRUE(context.store->put(context.run_keys().plan(), model::plan_to_json(plan)));
  const auto loaded = load_plan(context);
  ASSERT_TRUE(loaded) << loaded.error().text;
  EXPECT_EQ(context.stage().commands, 7U);
  context.stage_name = "other";
  const auto missing = load_plan(context);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kConfig);
  EXPECT_NE(missing.error().text.find("before, process"), std::string::npos);
}

TEST_F(ContextTest, ARawContainersListIsCopiedOnce) {
  me.raw = true;
  me.stage = "main";
  me.list_file = (folder.path() / "list.txt").string();
  ASSERT_TRUE(replace_file(me.list_file, "echo 1\n# not this\necho 2\n"));
  Context context = make();
  const auto loaded = load_plan(context);
  ASSERT_TRUE(loaded) << loaded.error().text;
  EXPECT_EQ(context.stage().commands, 2U);
  EXPECT_EQ(context.spec().nodes, 4U);
  // A later attempt runs the list of the first, whatever has become of the file.
  ASSERT_TRUE(replace_file(me.list_file, "echo other\n"));
  Context later = make();
  EXPECT_FALSE(load_plan(later)) << "it is under way";
  context.lock.reset();
  ASSERT_TRUE(load_plan(later));
  EXPECT_EQ(later.stage().commands, 2U);
}

TEST_F(ContextTest, ARawContainerWithoutItsListSaysSo) {
  me.raw = true;
  me.list_file = "/nowhere/list.txt";
  Context context = make();
  const auto loaded = load_plan(context);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Code::kConfig);
  EXPECT_NE(loaded.error().text.find("/nowhere/list.txt"), std::string::npos);
}

TEST_F(ContextTest, CommandsSeeTheStage) {
  model::StageSpec spec;
  spec.cpus = 3;
  spec.env = {{"MINE", "yes"}};
  const Context context = planned(spec);
  const auto environment = stage_environment(context, 3, 2);
  EXPECT_EQ(values(environment, "MNP_RUN"), One{"r-1"});
  EXPECT_EQ(values(environment, "MNP_STAGE"), One{"process"});
  EXPECT_EQ(values(environment, "MNP_STORE"), One{me.store});
  EXPECT_EQ(values(environment, "MNP_RUN_URL"), One{me.store + "/runs/r-1"});
  EXPECT_EQ(values(environment, "MNP_COMMAND_COUNT"), One{"12"});
  EXPECT_EQ(values(environment, "ARRAY_SIZE"), One{"12"});
  EXPECT_EQ(values(environment, "MNP_NODE"), One{"1"});
  EXPECT_EQ(values(environment, "MNP_NODES"), One{"4"});
  EXPECT_EQ(values(environment, "NNODES"), One{"3"});
  EXPECT_EQ(values(environment, "NODE_RANK"), One{"2"});
  EXPECT_EQ(values(environment, "MASTER_PORT"), One{"26118"});
  EXPECT_EQ(values(environment, "MINE"), One{"yes"});
  EXPECT_EQ(values(environment, "OMP_NUM_THREADS"), One{"3"});
  EXPECT_EQ(values(environment, "MNP_INPUTS"), One{context.scratch.inputs().string()});
}

TEST_F(ContextTest, NoNameIsThereTwiceAndOursWins) {
  ::setenv("MNP_RUN", "of the container", 1);
  ::setenv("MINE", "of the container", 1);
  model::StageSpec spec;
  spec.env = {{"MNP_NODE", "99"}, {"NNODES", "99"}, {"OMP_NUM_THREADS", "8"}, {"MINE", "spec"}};
  const auto environment = stage_environment(planned(spec), 3, 2);
  ::unsetenv("MNP_RUN");
  ::unsetenv("MINE");
  EXPECT_EQ(values(environment, "MNP_RUN"), One{"r-1"});
  EXPECT_EQ(values(environment, "MNP_NODE"), One{"1"});
  EXPECT_EQ(values(environment, "NNODES"), One{"3"});
  EXPECT_EQ(values(environment, "OMP_NUM_THREADS"), One{"8"});
  EXPECT_EQ(values(environment, "MINE"), One{"spec"});
}

TEST_F(ContextTest, SecretsAndOurOwnAffairsAreNotHandedOn) {
  const std::vector<std::string> names = {"MNP_JOIN_SECRET",  "MNP_LIFELINE_FD",
                                          "MNP_RUN_LOCK",     "MNP_FRESH_FAILURES",
                                          "MNP_AGENT_SOCKET", "AWS_BATCH_JOB_ARRAY_INDEX"};
  for (const std::string& name : names) ::setenv(name.c_str(), "x", 1);
  ::setenv("AWS_BATCH_JOB_ID", "stays#1", 1);
  const auto environment = stage_environment(planned(), 1, 0);
  for (const std::string& name : names) ::unsetenv(name.c_str());
  ::unsetenv("AWS_BATCH_JOB_ID");
  for (const std::string& name : names) EXPECT_TRUE(values(environment, name).empty()) << name;
  EXPECT_EQ(values(environment, "AWS_BATCH_JOB_ID"), One{"stays#1"});
}

TEST_F(ContextTest, MainsAddressIsItsOwnOrTheLoopback) {
  EXPECT_EQ(values(stage_environment(planned(), 1, 0), "MASTER_ADDR"), One{"127.0.0.1"});
  me.own_address = "127.5.6.7";
  EXPECT_EQ(values(stage_environment(planned(), 1, 0), "MASTER_ADDR"), One{"127.5.6.7"});
  me.main_index = NodeIndex(0);
  me.main_address = "10.0.3.7";
  EXPECT_EQ(values(stage_environment(planned(), 1, 0), "MASTER_ADDR"), One{"10.0.3.7"});
}

}  // namespace
}  // namespace mnp::node
