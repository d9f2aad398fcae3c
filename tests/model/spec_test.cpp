#include "mnp/model/spec.hpp"

#include <algorithm>
#include <csignal>

#include <gtest/gtest.h>

#include "mnp/core/files.hpp"
#include "mnp/core/text.hpp"

namespace mnp::model {
namespace {

using Names = std::vector<std::string>;
using Set = std::map<std::string, std::string>;

constexpr const char* kFile = "/data/pipeline.yaml";

Spec parsed(const std::string& text, const Set& set = {}) {
  const auto spec = parse_spec(text, kFile, set);
  if (!spec) ADD_FAILURE() << spec.error().text;
  return spec.value_or(Spec{});
}

/// The stage `a` of a file that holds it alone.
StageSpec stage(const std::string& keys) {
  const Spec spec = parsed("stages:\n  - name: a\n" + keys);
  return spec.stages.empty() ? StageSpec{} : spec.stages[0];
}

std::string error_of(const std::string& text, const Set& set = {}) {
  const auto spec = parse_spec(text, kFile, set);
  if (spec) return "";
  EXPECT_EQ(spec.error().code, Code::kConfig);
  return spec.error().text;
}

TEST(Spec, ReadsTheExampleOfTheDesign) {
  const Spec spec = parsed(R"(
name: reconstruction
store: s3://lab-data/mnp            # a comment
parameters: {scan: s3://lab-data/scans/17}
defaults: {queue: cpu, image: 123456789012.dkr.ecr.us-east-1.amazonaws.com/tomo:1.4, retry: {attempts: 2}}
stages:
  - name: preprocess
    nodes: 4
    inputs: {scan: "${scan}"}
    commands: lists/preprocess.txt
    cpus: 2
  - name: process
    nodes: 100
    inputs: [preprocess]
    commands: s3://lab-data/lists/process.txt
    order: longest-first
    distribution: dynamic
    on_failure: continue
    allow_failures: 10
  - name: calibrate
    nodes: 1
    inputs: [process]
    commands: ["tomo center --in $MNP_INPUTS/process --out $MNP_RESULTS/center.json"]
  - name: reconstruct
    nodes: 100
    queue: gpu
    gpus: 1
    inputs: [process]
    broadcast: [calibrate]
    commands: lists/reconstruct.txt
    reduce: {match: "slices/*.npy", op: sum}
)");
  EXPECT_EQ(spec.name, "reconstruction");
  EXPECT_EQ(spec.store, "s3://lab-data/mnp");
  EXPECT_EQ(spec.folder, "/data");
  ASSERT_EQ(spec.stages.size(), 4u);
  const StageSpec& preprocess = spec.stages[0];
  EXPECT_EQ(preprocess.nodes, 4u);
  EXPECT_EQ(preprocess.cpus, 2u);
  EXPECT_EQ(preprocess.retry_attempts, 2u);
  EXPECT_EQ(preprocess.cwd, "/data");
  EXPECT_EQ(preprocess.commands.path, "/data/lists/preprocess.txt");
  EXPECT_EQ(preprocess.inputs, (std::vector<Input>{{"scan", "s3://lab-data/scans/17"}}));
  EXPECT_EQ(preprocess.aws.at("queue"), "cpu");
  const StageSpec& process = spec.stages[1];
  EXPECT_EQ(process.order, Order::kLongestFirst);
  EXPECT_EQ(process.allow_failures, (AllowFailures{10, 0}));
  EXPECT_EQ(process.commands.path, "s3://lab-data/lists/process.txt");
  EXPECT_EQ(spec.stages[2].commands.lines.size(), 1u);
  const StageSpec& reconstruct = spec.stages[3];
  EXPECT_EQ(reconstruct.aws.at("queue"), "gpu");
  EXPECT_EQ(reconstruct.inputs, (std::vector<Input>{{"process", "process", true, false},
                                                    {"calibrate", "calibrate", true, true}}));
  EXPECT_EQ(reconstruct.reduce, (Reduce{"slices/*.npy", ReduceOp::kSum}));
  EXPECT_EQ(stages_before(reconstruct), (Names{"process", "calibrate"}));
}

TEST(Spec, HasTheDocumentedDefaults) {
  StageSpec expected;
  expected.name = "a";
  expected.commands.lines = {"x"};
  expected.cwd = "/data";
  EXPECT_EQ(stage("    commands: [x]\n"), expected);
  EXPECT_EQ(parsed("stages: [{name: a, commands: [x]}]").name, "pipeline");
  EXPECT_EQ(parsed("stages: [{name: a, commands: [x]}]").store, "");
}

TEST(Spec, ReadsEveryScalarKey) {
  const StageSpec s = stage(R"(
    commands: {from: "seq 3 | sed 's/^/echo /'"}
    nodes: 9
    min_nodes: 8
    min_alive: 7
    cpus: 2
    memory: 4GiB
    gpus: 1
    slots: 3
    timeout: 10m
    warn_signal: SIGUSR1@1m
    stage_timeout: 2h
    stall_timeout: 1h30m
    tries: 3
    retry_on: [75, 1]
    order: list
    distribution: block
    on_failure: stop
    allow_failures: 1.5%
    max_output: 1k
    setup: make ready
    stage_inputs: false
    env: {A: 1, B: "${HOME}/x", C: true, D: }
    cwd: sub/../work/
    retry: {attempts: 5}
    lease: 3s
    join_timeout: 90
)");
  EXPECT_EQ(s.commands.from, "seq 3 | sed 's/^/echo /'");
  EXPECT_EQ(s.nodes, 9u);
  EXPECT_EQ(s.min_nodes, 8u);
  EXPECT_EQ(s.min_alive, 7u);
  EXPECT_EQ(s.memory, uint64_t{4} << 30);
  EXPECT_EQ(s.gpus, 1u);
  EXPECT_EQ(s.slots, 3u);
  EXPECT_EQ(s.timeout, Milliseconds(600000));
  EXPECT_EQ(s.warn_signal, SIGUSR1);
  EXPECT_EQ(s.warn_before, Milliseconds(60000));
  EXPECT_EQ(s.stage_timeout, Milliseconds(7200000));
  EXPECT_EQ(s.stall_timeout, Milliseconds(5400000));
  EXPECT_EQ(s.tries, 3u);
  EXPECT_EQ(s.retry_on, (std::vector<int>{75, 1}));
  EXPECT_EQ(s.distribution, Distribution::kBlock);
  EXPECT_EQ(s.on_failure, OnFailure::kStop);
  EXPECT_EQ(s.allow_failures, (AllowFailures{0, 1.5}));
  EXPECT_EQ(s.max_output, 1000u);
  EXPECT_EQ(s.setup, "make ready");
  EXPECT_FALSE(s.stage_inputs);
  EXPECT_EQ(s.env, (Set{{"A", "1"}, {"B", "${HOME}/x"}, {"C", "true"}, {"D", ""}}));
  EXPECT_EQ(s.cwd, "/data/work");
  EXPECT_EQ(s.retry_attempts, 5u);
  EXPECT_EQ(s.lease, Milliseconds(3000));
  EXPECT_EQ(s.beat, Milliseconds(600));
  EXPECT_EQ(s.join_timeout, Milliseconds(90000));
}

TEST(Spec, ReadsAProgramStage) {
  const StageSpec s = stage(
      "    program: /app/solver --grid 512\n    ranks_per_node: 8\n"
      "    restarts: 0\n");
  EXPECT_EQ(s.program, "/app/solver --grid 512");
  EXPECT_EQ(s.ranks_per_node, 8u);
  EXPECT_EQ(s.restarts, 0u);
  EXPECT_TRUE(s.commands.empty());
}

TEST(Spec, KeepsAwsKeysAsText) {
  const StageSpec s = stage(
      "    commands: [x]\n    efa: true\n    shm: 1GiB\n    priority: 7\n    max_cost: 12.50\n"
      "    ulimits: {nofile: 65536, memlock: unlimited, stack: 1:2}\n    preflight: false\n");
  EXPECT_EQ(s.aws, (Set{{"efa", "true"},
                        {"shm", "1073741824"},
                        {"priority", "7"},
                        {"max_cost", "12.50"},
                        {"preflight", "false"},
                        {"ulimits", "nofile=65536:65536 memlock=-1:-1 stack=1:2"}}));
}

TEST(Spec, WarnsAtMostHalfATimeoutBefore) {
  const std::string keys = "    commands: [x]\n    warn_signal: TERM\n    timeout: ";
  EXPECT_EQ(stage(keys + "10s\n").warn_before, Milliseconds(5000));
  EXPECT_EQ(stage(keys + "10m\n").warn_before, Milliseconds(30000));
}

TEST(Spec, DefaultsGiveWayToTheStage) {
  const Spec spec = parsed(
      "defaults: {nodes: 5, tries: 2, env: {A: 1, B: 1}, restarts: 7}\n"
      "stages:\n"
      "  - {name: a, commands: [x], env: {B: 2}}\n"
      "  - {name: b, program: y, nodes: 3}\n");
  EXPECT_EQ(spec.stages[0].nodes, 5u);
  EXPECT_EQ(spec.stages[0].tries, 2u);
  EXPECT_EQ(spec.stages[0].restarts, 2u);
  EXPECT_EQ(spec.stages[0].env, (Set{{"A", "1"}, {"B", "2"}}));
  EXPECT_EQ(spec.stages[1].nodes, 3u);
  EXPECT_EQ(spec.stages[1].tries, 1u);
  EXPECT_EQ(spec.stages[1].restarts, 7u);
}

TEST(Spec, ReplacesDeclaredParametersAndLeavesTheRestToTheShell) {
  const std::string text =
      "parameters: {n: 3, root: /in, scan: \"${root}/17\"}\n"
      "stages:\n"
      "  - name: a\n"
      "    nodes: ${n}\n"
      "    inputs: {scan: \"${scan}\"}\n"
      "    commands: ['echo ${n} ${HOME} ${x:-${n}} $n ${']\n";
  const Spec spec = parsed(text);
  EXPECT_EQ(spec.stages[0].nodes, 3u);
  EXPECT_EQ(spec.stages[0].inputs[0].source, "/in/17");
  EXPECT_EQ(spec.stages[0].commands.lines[0], "echo 3 ${HOME} ${x:-3} $n ${");
  const Spec other = parsed(text, {{"n", "4"}, {"scan", "${root}"}});
  EXPECT_EQ(other.stages[0].nodes, 4u);
  EXPECT_EQ(other.parameters.at("scan"), "${root}") << "values of --set are taken as they are";
}

TEST(Spec, DropsInputsThatAreEmptyAfterReplacement) {
  const std::string text =
      "parameters: {scan: ''}\n"
      "stages: [{name: a, commands: [x], inputs: {scan: '${scan}', raw: data/raw}}]\n";
  EXPECT_EQ(parsed(text).stages[0].inputs, (std::vector<Input>{{"raw", "/data/data/raw"}}));
  EXPECT_EQ(parsed(text, {{"scan", "s"}}).stages[0].inputs.size(), 2u);
}

TEST(Spec, ResolvesSources) {
  const Spec spec = parsed(
      "store: runs/\n"
      "stages:\n"
      "  - {name: a, commands: [x], inputs: [./dark.h5, ../x/, 's3://b/k/', /abs/y]}\n"
      "  - {name: b, commands: /lists/../b.txt, inputs: {one: a, two: elsewhere}}\n");
  EXPECT_EQ(spec.store, "/data/runs");
  EXPECT_EQ(spec.stages[0].inputs,
            (std::vector<Input>{
                {"dark.h5", "/data/dark.h5"}, {"x", "/x"}, {"k", "s3://b/k/"}, {"y", "/abs/y"}}));
  EXPECT_EQ(spec.stages[1].commands.path, "/b.txt");
  EXPECT_EQ(spec.stages[1].inputs,
            (std::vector<Input>{{"one", "a", true, false}, {"two", "/data/elsewhere"}}));
}

TEST(Spec, SortsStagesByWhatTheyNeed) {
  const Spec spec = parsed(
      "stages:\n"
      "  - {name: c, commands: [x], inputs: [b], after: [a, b]}\n"
      "  - {name: z, commands: [x]}\n"
      "  - {name: b, commands: [x], broadcast: [a]}\n"
      "  - {name: a, commands: [x]}\n");
  Names names;
  for (const StageSpec& each : spec.stages) names.push_back(each.name);
  EXPECT_EQ(names, (Names{"a", "b", "c", "z"}));
  EXPECT_EQ(spec.stages[2].after, (Names{"a"})) << "b is an input already";
  EXPECT_EQ(stages_before(spec.stages[2]), (Names{"b", "a"}));
}

TEST(Spec, ListsIndependentErrorsInOrder) {
  EXPECT_EQ(error_of("nodes: 3\nstages:\n  - name: a\n    nodez: 2\n    commands: [x]\n"
                     "    memory: 4GX\n"),
            "/data/pipeline.yaml:1:1: unknown key 'nodes' in the pipeline; write it in a stage, or "
            "below defaults:\n"
            "/data/pipeline.yaml:4:5: unknown key 'nodez' in stage 'a'; write nodes\n"
            "/data/pipeline.yaml:6:13: 'memory' cannot be '4GX'; write a size such as 4GiB, 512MB "
            "or a number of bytes");
  std::string many = "stages:\n";
  for (int i = 0; i < 50; ++i) many += "  - {name: s" + std::to_string(i) + "}\n";
  const std::string errors = error_of(many);
  EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n') + 1, std::ptrdiff_t{kMaxSpecErrors});
}

TEST(Spec, RefusesSetOfWhatIsNotDeclared) {
  const std::string text = "parameters: {scan: x}\nstages: [{name: a, commands: [x]}]\n";
  EXPECT_EQ(error_of(text, {{"scn", "y"}}),
            "/data/pipeline.yaml:1:1: --set scn: no parameter of this name is declared; "
            "write --set scan=y");
  EXPECT_NE(error_of("stages: [{name: a, commands: [x]}]\n", {{"scan", "y"}}), "");
}

TEST(Spec, CountsAllowedFailures) {
  EXPECT_EQ((AllowFailures{10, 0}).of(5), 10u);
  EXPECT_EQ((AllowFailures{0, 1}).of(199), 1u);
  EXPECT_EQ((AllowFailures{0, 0.57}).of(10000), 57u);
  EXPECT_EQ((AllowFailures{0, 100}).of(7), 7u);
  EXPECT_EQ((AllowFailures{}).of(7), 0u);
}

TEST(Spec, DurationsReadAsAFileWouldHaveThem) {
  for (const auto& [milliseconds, text] :
       {std::pair(5000, "5s"), std::pair(90000, "1m30s"), std::pair(250, "250ms"),
        std::pair(0, "0s"), std::pair(86400000 + 3600000, "1d1h"), std::pair(1001, "1s1ms")}) {
    EXPECT_EQ(duration_text(Milliseconds(milliseconds)), text);
    EXPECT_EQ(parse_duration(text).value_or(Milliseconds(-1)), Milliseconds(milliseconds));
  }
}

TEST(Spec, KnowsWhereInputsAndListsStand) {
  const auto spec = parse_spec(
      "stages:\n  - name: a\n    inputs: [./x, ./y]\n    commands: l.txt\n", "dir/f.yaml");
  ASSERT_TRUE(spec) << spec.error().text;
  EXPECT_EQ(spec->place_of("a", "input", "y"), "dir/f.yaml:3:19");
  EXPECT_EQ(spec->place_of("a", "commands"), "dir/f.yaml:4:15");
  EXPECT_EQ(spec_of_list("l.txt", 1, {}).place_of("main", "commands"), "stage main");
}

TEST(Spec, MakesAPipelineOfAList) {
  const Spec spec = spec_of_list("/lists/my list.txt", 4, 2);
  EXPECT_EQ(spec.name, "my-list");
  ASSERT_EQ(spec.stages.size(), 1u);
  EXPECT_EQ(spec.stages[0].name, "main");
  EXPECT_EQ(spec.stages[0].nodes, 4u);
  EXPECT_EQ(spec.stages[0].cpus, 2u);
  EXPECT_EQ(spec.stages[0].commands.path, "/lists/my list.txt");
  EXPECT_EQ(spec_of_list("x.txt", 1, {}).stages[0].commands.path,
            (fs::current_path() / "x.txt").string());
}

TEST(Spec, SaysWhenTheFileIsMissing) {
  const auto spec = read_spec("/no/such/file.yaml");
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().code, Code::kNotFound);
}

}  // namespace
}  // namespace mnp::model
