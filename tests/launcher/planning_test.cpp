#include "launcher/planning.hpp"

#include <gtest/gtest.h>

#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

constexpr char kPipeline[] = R"(name: demo
parameters: {scan: 17}
defaults: {queue: cpu}
stages:
  - {name: prepare, nodes: 4, min_nodes: 3, min_alive: 2, commands: ["a ${scan}", b]}
  - {name: process, nodes: 2, image: tomo, queue: gpu, inputs: [prepare], commands: list.txt}
  - {name: solve, nodes: 3, after: [process], program: /app/solver}
)";

class Planning : public testing::Test {
 protected:
  Planning() {
    options.file = write("pipeline.yaml", kPipeline);
    write("list.txt", "one\n# no command\ntwo\nthree\n");
  }
  std::string write(const std::string& name, const std::string& text) const {
    EXPECT_TRUE(replace_file(folder.path() / name, text));
    return folder.path() / name;
  }
  /// The error's text; its code must be `code`.
  std::string refusal(Code code) const {
    const auto spec = read_pipeline(options);
    if (spec) return "accepted";
    EXPECT_EQ(spec.error().code, code) << spec.error().text;
    return spec.error().text;
  }
  bool refuses_with(Code code, const std::string& part) const {
    const std::string text = refusal(code);
    if (text.find(part) == std::string::npos) ADD_FAILURE() << text;
    return text.find(part) != std::string::npos;
  }
  /// Where the list of stage `process` stands.
  std::string list_place() const { return options.file + ":6:85: "; }
  TemporaryFolder folder = *TemporaryFolder::create("planning-test-");
  PipelineOptions options;
};

TEST_F(Planning, TakesAFileOrAListAndNeverBoth) {
  options.commands = "list.txt";
  EXPECT_TRUE(refuses_with(Code::kUsage, "exclude each other"));
  options.commands = options.file = "";
  EXPECT_TRUE(refuses_with(Code::kUsage, "--commands LIST"));
}

TEST_F(Planning, NamesAreUtf8BecauseAPlanIs) {
  options.set = {"scan=\xe9"};
  EXPECT_TRUE(refuses_with(Code::kUsage, "--set scan=...: byte 6 is not UTF-8"));
  options.set.clear();
  ASSERT_TRUE(make_folders(folder.path() / "m\xe9ss"));
  options.file = write("m\xe9ss/pipeline.yaml", kPipeline);
  EXPECT_TRUE(refuses_with(Code::kUsage, "/m...: byte"));
  options.commands = write("m\xe9ss/list.txt", "one\n");
  options.file = "";
  EXPECT_TRUE(refuses_with(Code::kUsage, "the command list "));
}

TEST_F(Planning, OptionsOfAListAreRefusedWithAFileAndTheOtherWayRound) {
  options.cpus = 2;
  EXPECT_TRUE(refuses_with(Code::kUsage, "`cpus`"));
  options.commands = folder.path() / "list.txt";
  options.file = "";
  options.set = {"scan=1"};
  EXPECT_TRUE(refuses_with(Code::kUsage, "--set"));
}

TEST_F(Planning, ListIsAPipelineOfOneStage) {
  options.file = "";
  options.commands = fs::relative(folder.path() / "list.txt");
  options.nodes = 4;
  options.cpus = 2;
  const auto spec = read_pipeline(options);
  ASSERT_TRUE(spec) << spec.error().text;
  ASSERT_EQ(spec->stages.size(), 1u);
  EXPECT_EQ(spec->stages[0].name, "main");
  EXPECT_EQ(spec->stages[0].nodes, 4u);
  EXPECT_EQ(spec->stages[0].cpus, 2u);
  EXPECT_EQ(spec->stages[0].commands.path, fs::absolute(folder.path() / "list.txt"));
  options.nodes.reset();
  EXPECT_EQ(read_pipeline(options)->stages[0].nodes, 1u);
  options.commands = "s3://bucket/list.txt";
  EXPECT_EQ(read_pipeline(options)->stages[0].commands.path, "s3://bucket/list.txt");
}

TEST_F(Planning, SetReplacesParameters) {
  EXPECT_EQ(read_pipeline(options)->stages[0].commands.lines[0], "a 17");
  options.set = {"scan=x=y"};
  EXPECT_EQ(read_pipeline(options)->stages[0].commands.lines[0], "a x=y");
  for (const char* word : {"scan", "=x", ""}) {
    options.set = {word};
    EXPECT_TRUE(refuses_with(Code::kUsage, "--set NAME=VALUE")) << word;
  }
  options.set = {"scam=1"};
  EXPECT_TRUE(refuses_with(Code::kConfig, "scan"));
}

TEST_F(Planning, NodesCapsEveryStageAndWhatDependsOnIt) {
  options.nodes = 1;
  auto spec = read_pipeline(options);
  ASSERT_TRUE(spec) << spec.error().text;
  for (const auto& stage : spec->stages) {
    EXPECT_EQ(stage.nodes, 1u);
    EXPECT_EQ(stage.min_alive, 1u);
  }
  EXPECT_EQ(spec->stages[0].min_nodes, 1u);
  EXPECT_FALSE(spec->stages[1].min_nodes.has_value());
  options.nodes = 3;
  spec = read_pipeline(options);
  EXPECT_EQ(spec->stages[0].nodes, 3u);
  EXPECT_EQ(spec->stages[0].min_alive, 2u);
  EXPECT_EQ(spec->stages[1].nodes, 2u) << "a cap adds no nodes";
}

TEST_F(Planning, OnlyKeepsOneStageWithoutWhatItWaitsFor) {
  options.only = "solve";
  const auto spec = read_pipeline(options);
  ASSERT_TRUE(spec) << spec.error().text;
  ASSERT_EQ(spec->stages.size(), 1u);
  EXPECT_EQ(spec->stages[0].name, "solve");
  EXPECT_TRUE(spec->stages[0].after.empty());
}

TEST_F(Planning, OnlyRefusesWhatCannotRunAlone) {
  options.only = "process";
  EXPECT_TRUE(refuses_with(Code::kUsage, "mnp resume RUN --only process"));
  options.only = "slove";
  EXPECT_TRUE(refuses_with(Code::kUsage, "do you mean solve?"));
  options.only = "reconstruction";
  EXPECT_TRUE(refuses_with(Code::kUsage, "there are prepare, process, solve"));
}

TEST_F(Planning, ErrorsOfTheFileAreTheConfigurations) {
  options.file = folder.path() / "gone.yaml";
  EXPECT_TRUE(refuses_with(Code::kConfig, "gone.yaml"));
  options.file = write("slip.yaml", "name: a\nstages:\n  - {name: b, node: 2, commands: [c]}\n");
  EXPECT_TRUE(refuses_with(Code::kConfig, "slip.yaml:3:"));
}

TEST_F(Planning, KeysOfAwsAreNamedOnce) {
  EXPECT_EQ(aws_keys(*read_pipeline(options)), "queue, image");
  EXPECT_EQ(aws_keys(model::spec_of_list("/list", 1, {})), "");
}

TEST_F(Planning, PlanCountsCommandsAndKeepsTheirLists) {
  const auto planned = make_plan(*read_pipeline(options), folder.path());
  ASSERT_TRUE(planned) << planned.error().text;
  EXPECT_TRUE(starts_with(planned->plan.run, "demo-")) << planned->plan.run;
  EXPECT_EQ(planned->plan.folder, folder.path());
  ASSERT_EQ(planned->plan.stages.size(), 3u);
  ASSERT_EQ(planned->lists.size(), 3u);
  EXPECT_EQ(planned->plan.stages[0].commands, 2u);
  EXPECT_EQ(planned->lists[0].text, "a 17\nb\n");
  EXPECT_EQ(planned->plan.stages[1].commands, 3u);
  EXPECT_EQ(planned->lists[1].path, folder.path() / "list.txt");
  EXPECT_EQ(planned->plan.stages[1].after, std::vector<std::string>{"prepare"});
  EXPECT_EQ(planned->plan.stages[2].commands, 0u) << "a program";
  EXPECT_EQ(planned->plan.stages[2].after, std::vector<std::string>{"process"});
}

TEST_F(Planning, ListWithoutCommandsIsRefused) {
  write("list.txt", "# nothing\n\n");
  const auto planned = make_plan(*read_pipeline(options), folder.path());
  ASSERT_FALSE(planned);
  EXPECT_EQ(planned.error().code, Code::kConfig);
  EXPECT_EQ(planned.error().text, list_place() + "the list " +
                                      (folder.path() / "list.txt").string() +
                                      " has no commands; write one a line");
}

TEST_F(Planning, MissingListNamesItsPlace) {
  ASSERT_TRUE(remove_tree(folder.path() / "list.txt"));
  const auto planned = make_plan(*read_pipeline(options), folder.path());
  ASSERT_FALSE(planned);
  EXPECT_EQ(planned.error().code, Code::kConfig);
  EXPECT_TRUE(starts_with(planned.error().text, list_place() + "cannot read the command list "))
      << planned.error().text;
}

TEST(ProgramFolder, IsThatOfThisProgram) {
  EXPECT_TRUE(fs::exists(program_folder() / "launcher_test")) << program_folder();
}

TEST_F(Planning, InputsMustBeThere) {
  const auto checked = [&](const std::string& source) {
    options.file = write("inputs.yaml",
                         "name: demo\nstages:\n  - name: one\n    commands: [a]\n"
                         "    inputs: {scan: " +
                             source + "}\n");
    const auto spec = read_pipeline(options);
    EXPECT_TRUE(spec) << spec.error().text;
    const auto done = check_inputs(*spec);
    return done ? "" : done.error().text;
  };
  EXPECT_EQ(checked("list.txt"), "");
  EXPECT_EQ(checked("nowhere"), options.file + ":5:20: there is no file or folder " +
                                    (folder.path() / "nowhere").string() +
                                    "; write the path of one, s3://BUCKET/KEY, or a stage's name");
  EXPECT_NE(checked("s3:///in").find(":5:20: "), std::string::npos);
}

TEST_F(Planning, WorkingFoldersOfTheFirstStagesMustBeThere) {
  const auto planned = [&](const std::string& more) {
    options.file =
        write("cwd.yaml",
              "name: demo\nstages:\n  - name: one\n    commands: [a]\n    cwd: nowhere\n" + more);
    const auto plan = make_plan(*read_pipeline(options), folder.path());
    return plan ? "" : plan.error().text;
  };
  const std::string refused = planned("");
  EXPECT_EQ(refused, options.file + ":5:10: there is no folder " +
                         (folder.path() / "nowhere").string() +
                         "; name the one that commands start in");
  EXPECT_EQ(planned("    after: [two]\n  - name: two\n    commands: [mkdir nowhere]\n"), "");
}

}  // namespace
}  // namespace mnp::launcher
