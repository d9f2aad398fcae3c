#include "mnp/model/spec_keys.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "mnp/core/text.hpp"
#include "mnp/model/batch.hpp"

namespace mnp::model {

namespace {

constexpr int64_t kYear = int64_t{366} * 24 * 3600 * 1000;  // milliseconds
constexpr int64_t kPetabyte = int64_t{1} << 50;
constexpr int64_t kMostNodes = kMaxJobNodes;

using P = KeyPlace;
using K = KeyKind;
constexpr auto kCommandsOnly = KeyStage::kCommands;
constexpr auto kProgramOnly = KeyStage::kProgram;
constexpr auto kAws = KeyApplies::kAws;

// clang-format off
constexpr Key kTopKeys[] = {
    {.name = "name", .place = P::kTop, .kind = K::kName,
     .doc = "name of the pipeline; run ids start with it", .standard = "the file's name"},
    {.name = "store", .place = P::kTop, .kind = K::kPath,
     .doc = "folder or s3:// URL that holds the runs; `--store` and MNP_STORE override",
     .standard = "./mnp-runs"},
    {.name = "parameters", .place = P::kTop, .kind = K::kParameters,
     .doc = "values for `${name}` in this file; `--set name=value` overrides"},
    {.name = "defaults", .place = P::kTop, .kind = K::kDefaults,
     .doc = "keys for every stage that does not set them (`env` is merged)"},
    {.name = "stages", .place = P::kTop, .kind = K::kStages, .doc = "the stages", .required = true},
};

constexpr Key kFlowKeys[] = {
    {.name = "name", .place = P::kStage, .kind = K::kStageName, .doc = "name of the stage",
     .in_defaults = false, .required = true},
    {.name = "nodes", .place = P::kStage, .kind = K::kInteger, .doc = "number of nodes", .least = 1,
     .most = kMostNodes, .standard = "1"},
    {.name = "min_nodes", .place = P::kStage, .kind = K::kInteger,
     .doc = "start with so few once `join_timeout` has passed; main is one of them", .least = 1,
     .most = kMostNodes, .standard = "`nodes`"},
    {.name = "min_alive", .place = P::kStage, .kind = K::kInteger,
     .doc = "end with status 31 when fewer are alive", .least = 1, .most = kMostNodes,
     .standard = "1"},
    {.name = "inputs", .place = P::kStage, .kind = K::kInputs,
     .doc = "stages, paths and URLs that every node finds as `$MNP_INPUTS/<name>`",
     .in_defaults = false},
    {.name = "broadcast", .place = P::kStage, .kind = K::kInputs,
     .doc = "like `inputs`, read once by main and sent over MPI", .in_defaults = false},
    {.name = "stage_inputs", .place = P::kStage, .kind = K::kBool,
     .doc = "false: commands fetch from `$MNP_INPUTS_URL` themselves", .standard = "true"},
    {.name = "after", .place = P::kStage, .kind = K::kStageList,
     .doc = "stages that must have succeeded first, without being inputs", .in_defaults = false},
    {.name = "commands", .place = P::kStage, .kind = K::kCommands,
     .doc = "the command list: a file, an s3:// URL, a list of lines, or `{from: program}`",
     .stage = kCommandsOnly, .in_defaults = false},
    {.name = "program", .place = P::kStage, .kind = K::kShell,
     .doc = "an SPMD program over all nodes, or a script that calls mpirun itself",
     .stage = kProgramOnly, .in_defaults = false},
    {.name = "ranks_per_node", .place = P::kStage, .kind = K::kInteger,
     .doc = "start `program` with mpirun and so many ranks a node; without it, `program` runs on "
            "main",
     .stage = kProgramOnly, .least = 1, .most = 4096},
    {.name = "restarts", .place = P::kStage, .kind = K::kInteger,
     .doc = "how often a program that lost a node is started again", .stage = kProgramOnly,
     .least = 0, .most = 1000, .standard = "2"},
    {.name = "setup", .place = P::kStage, .kind = K::kShell,
     .doc = "run once on every node before its commands"},
    {.name = "env", .place = P::kStage, .kind = K::kEnv,
     .doc = "environment variables of the commands"},
    {.name = "cwd", .place = P::kStage, .kind = K::kFolder, .doc = "working directory of commands",
     .standard = "the container's; here the file's folder"},
};

constexpr Key kCommandKeys[] = {
    {.name = "cpus", .place = P::kStage, .kind = K::kInteger, .doc = "cores of a command, which runs on no others; a `program` only finds them in "
            "OMP_NUM_THREADS",
     .least = 1, .most = 4096, .standard = "1"},
    {.name = "memory", .place = P::kStage, .kind = K::kBytes, .doc = "memory of a command: bounds the number of slots, is no limit that anything enforces, "
            "and means nothing to a `program`",
     .least = 1, .most = kPetabyte},
    {.name = "gpus", .place = P::kStage, .kind = K::kInteger, .doc = "GPUs of a command; a `program` sees all of its nodes",
     .least = 0, .most = 64},
    {.name = "slots", .place = P::kStage, .kind = K::kInteger, .doc = "commands at once on a node",
     .stage = kCommandsOnly, .least = 1, .most = 65536,
     .standard = "cores / `cpus`, fewer when memory or GPUs run out first"},
    {.name = "timeout", .place = P::kStage, .kind = K::kDuration, .doc = "of one command",
     .stage = kCommandsOnly, .least = 1, .most = kYear},
    {.name = "warn_signal", .place = P::kStage, .kind = K::kSignal,
     .doc = "signal before `timeout` ends a command: `USR1`, or `USR1@2m` for how long before",
     .stage = kCommandsOnly, .standard = "30 s before, at most half the timeout"},
    {.name = "tries", .place = P::kStage, .kind = K::kInteger,
     .doc = "runs of a failing command in one job", .stage = kCommandsOnly, .least = 1,
     .most = 1000, .standard = "1"},
    {.name = "retry_on", .place = P::kStage, .kind = K::kStatuses,
     .doc = "exit statuses that are worth another try", .stage = kCommandsOnly, .least = 1,
     .most = 255, .standard = "any"},
    {.name = "order", .place = P::kStage, .kind = K::kChoice,
     .doc = "`longest-first` by `# cost=` hints or an earlier run", .stage = kCommandsOnly,
     .choices = "list|longest-first", .standard = "list"},
    {.name = "distribution", .place = P::kStage, .kind = K::kChoice,
     .doc = "`block`: one fixed slice a node", .stage = kCommandsOnly, .choices = "dynamic|block",
     .standard = "dynamic"},
    {.name = "on_failure", .place = P::kStage, .kind = K::kChoice,
     .doc = "`stop`: deal no more once more have failed than allowed", .stage = kCommandsOnly,
     .choices = "continue|stop", .standard = "continue"},
    {.name = "allow_failures", .place = P::kStage, .kind = K::kAllowance,
     .doc = "failures that still count as success: a number, or a percentage such as 1%",
     .stage = kCommandsOnly, .standard = "0"},
    {.name = "reduce", .place = P::kStage, .kind = K::kReduce,
     .doc = "arrays of the same path are combined over commands and nodes", .stage = kCommandsOnly,
     .in_defaults = false},
    {.name = "max_output", .place = P::kStage, .kind = K::kBytes,
     .doc = "bytes kept of a command's output", .least = 0, .most = kPetabyte, .standard = "64MiB"},
};

constexpr Key kJobKeys[] = {
    {.name = "stage_timeout", .place = P::kStage, .kind = K::kDuration, .doc = "of the whole stage",
     .least = 1, .most = kYear},
    {.name = "stall_timeout", .place = P::kStage, .kind = K::kDuration,
     .doc = "end the stage when no command has finished for so long", .stage = kCommandsOnly,
     .least = 1, .most = kYear},
    {.name = "join_timeout", .place = P::kStage, .kind = K::kDuration,
     .doc = "wait so long for nodes", .least = 1, .most = kYear, .standard = "10m"},
    {.name = "lease", .place = P::kStage, .kind = K::kDuration,
     .doc = "a node silent for so long is lost", .least = 200, .most = 3600 * 1000,
     .standard = "5s here, 15s on AWS"},
    {.name = "beat", .place = P::kStage, .kind = K::kDuration,
     .doc = "time between two signs of life of a node", .least = 10, .most = 3600 * 1000,
     .standard = "a fifth of `lease`"},
    {.name = "retry", .place = P::kStage, .kind = K::kRetry,
     .doc = "jobs after infrastructure failures"},
    {.name = "queue", .place = P::kStage, .kind = K::kText, .doc = "job queue", .applies = kAws},
    {.name = "image", .place = P::kStage, .kind = K::kText, .doc = "container image",
     .applies = kAws},
    {.name = "job_definition", .place = P::kStage, .kind = K::kText,
     .doc = "an existing job definition, instead of one made from these keys", .applies = kAws},
    {.name = "instance_type", .place = P::kStage, .kind = K::kText, .doc = "EC2 instance type",
     .applies = kAws},
    {.name = "efa", .place = P::kStage, .kind = K::kCountOrBool,
     .doc = "EFA devices of a node: a number, or true for all", .applies = kAws, .least = 0,
     .most = 64, .standard = "false"},
    {.name = "shm", .place = P::kStage, .kind = K::kBytes, .doc = "size of /dev/shm",
     .applies = kAws, .least = 1, .most = kPetabyte},
    {.name = "ulimits", .place = P::kStage, .kind = K::kLimits,
     .doc = "limits of the container: `nofile: 65536`, `memlock: unlimited`, `stack: 1:2`",
     .applies = kAws},
    {.name = "share", .place = P::kStage, .kind = K::kText,
     .doc = "share identifier of a fair-share queue", .applies = kAws},
    {.name = "priority", .place = P::kStage, .kind = K::kInteger,
     .doc = "scheduling priority within its share", .applies = kAws, .least = 0, .most = 9999},
    {.name = "preflight", .place = P::kStage, .kind = K::kBool,
     .doc = "check every node before the first command", .applies = kAws, .standard = "true"},
    {.name = "max_cost", .place = P::kStage, .kind = K::kNumber,
     .doc = "refuse to submit when the stage may cost more (US dollars)", .applies = kAws,
     .least = 0, .most = 1000000000},
};

constexpr Key kNestedKeys[] = {
    {.name = "from", .place = P::kCommands, .kind = K::kShell,
     .doc = "a program that prints the list; it runs once, at plan time", .required = true},
    {.name = "match", .place = P::kReduce, .kind = K::kText,
     .doc = "glob below `$MNP_RESULTS`; `*` stays within a folder, `**` does not",
     .required = true},
    {.name = "op", .place = P::kReduce, .kind = K::kChoice, .doc = "how arrays are combined",
     .choices = "sum|min|max", .standard = "sum"},
    {.name = "attempts", .place = P::kRetry, .kind = K::kInteger,
     .doc = "jobs at most, the first included", .least = 1, .most = 10, .standard = "3",
     .required = true},
};
// clang-format on

}  // namespace

const std::vector<Key>& spec_keys() {
  static const std::vector<Key> keys = [] {
    std::vector<Key> all;
    const auto add = [&](const auto& part) {
      for (const Key& key : part) all.push_back(key);
    };
    add(kTopKeys), add(kFlowKeys), add(kCommandKeys), add(kJobKeys), add(kNestedKeys);
    return all;
  }();
  return keys;
}

const Key* find_key(KeyPlace place, std::string_view name) {
  const auto& keys = spec_keys();
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& key) {
    return key.place == place && key.name == name;
  });
  return found == keys.end() ? nullptr : &*found;
}

std::vector<std::string> key_names(KeyPlace place, bool in_defaults) {
  std::vector<std::string> names;
  for (const Key& key : spec_keys())
    if (key.place == place && (key.in_defaults || !in_defaults)) names.emplace_back(key.name);
  return names;
}

std::string expected_entry(const Key& key) {
  switch (key.kind) {
    case KeyKind::kStatuses:
      return fmt::format("an exit status from {} to {}", key.least, key.most);
    case KeyKind::kStageList:
      return "a stage's name";
    case KeyKind::kInputs:
      return "a stage's name, a path or a URL";
    case KeyKind::kCommands:
      return "a command line";
    case KeyKind::kEnv:
    case KeyKind::kParameters:
      return "text";
    case KeyKind::kLimits:
      return "a number, unlimited, or \"soft:hard\"";
    default:
      return expected(key);
  }
}

std::string expected(const Key& key) {
  switch (key.kind) {
    case KeyKind::kText:
      return "text";
    case KeyKind::kName:
      return "a name of letters, digits, - and _, 64 at most";
    case KeyKind::kStageName:
      return "a name of small letters, digits, - and _, 64 at most";
    case KeyKind::kFolder:
      return "a folder's path";
    case KeyKind::kPath:
      return "a path or URL";
    case KeyKind::kShell:
      return "a command line";
    case KeyKind::kInteger:
      return fmt::format("a whole number from {} to {}", key.least, key.most);
    case KeyKind::kNumber:
      return fmt::format("a number from {} to {}", key.least, key.most);
    case KeyKind::kBytes:
      return "a size such as 4GiB, 512MB or a number of bytes";
    case KeyKind::kDuration:
      return "a duration such as 30s, 10m or 1h30m";
    case KeyKind::kBool:
      return "true or false";
    case KeyKind::kCountOrBool:
      return fmt::format("true, false or a number up to {}", key.most);
    case KeyKind::kChoice:
      return join(split(key.choices, '|'), " or ");
    case KeyKind::kSignal:
      return "a signal such as USR1, or USR1@30s for 30 s before";
    case KeyKind::kAllowance:
      return "a number such as 10, or a percentage such as 1%";
    case KeyKind::kStatuses:
      return "a list of exit statuses such as [75]";
    case KeyKind::kStageList:
      return "a list of stages such as [preprocess]";
    case KeyKind::kInputs:
      return "a list such as [preprocess], or a mapping such as {scan: data/scan}";
    case KeyKind::kCommands:
      return "a file, a list of command lines, or {from: \"program that prints the list\"}";
    case KeyKind::kReduce:
      return "a mapping such as {match: \"slices/*.npy\", op: sum}";
    case KeyKind::kRetry:
      return "a mapping such as {attempts: 3}";
    case KeyKind::kEnv:
      return "a mapping such as {OMP_SCHEDULE: static}";
    case KeyKind::kLimits:
      return "a mapping such as {nofile: 65536}";
    case KeyKind::kParameters:
      return "a mapping such as {scan: data/scan}";
    case KeyKind::kDefaults:
      return "a mapping with a stage's keys";
    case KeyKind::kStages:
      return "a list with one `- name:` a stage";
  }
  return {};
}

}  // namespace mnp::model
