// Every variable of ours, in one table; docs/environment.md is checked against it.
#pragma once

#include <array>
#include <string_view>

namespace mnp::model {

enum class ReadBy { kMnp, kNode, kRank, kCommand, kRsh };  // which program or process reads it

struct Variable {
  std::string_view name;
  ReadBy reader;
  std::string_view meaning;
};

// What starts a container; the launcher sets these in the job, a person may by hand.
inline constexpr char kStore[] = "MNP_STORE";
inline constexpr char kRun[] = "MNP_RUN";
inline constexpr char kStage[] = "MNP_STAGE";
inline constexpr char kJoinSecret[] = "MNP_JOIN_SECRET";
inline constexpr char kPort[] = "MNP_PORT";
inline constexpr char kNodeAddress[] = "MNP_NODE_ADDRESS";
inline constexpr char kScratchRoot[] = "MNP_SCRATCH_ROOT";
inline constexpr char kLifeline[] = "MNP_LIFELINE_FD";
inline constexpr char kRunLock[] = "MNP_RUN_LOCK";
inline constexpr char kFreshFailures[] = "MNP_FRESH_FAILURES";
inline constexpr char kListFile[] = "LIST_FILE_S3_PATH";  // the array jobs' name for the list
inline constexpr char kLog[] = "MNP_LOG";
// Between our own processes on one node.
inline constexpr char kAgentSocket[] = "MNP_AGENT_SOCKET";
inline constexpr char kRankFiles[] = "MNP_RANK_FILES";
inline constexpr char kEpoch[] = "MNP_EPOCH";
// What a command sees.
inline constexpr char kNode[] = "MNP_NODE";

inline constexpr std::array<Variable, 33> kVariables = {{
    {kStore, ReadBy::kNode, "the store that holds the run: a folder or s3:// URL; for mnp the default of --store"},
    {kRun, ReadBy::kNode, "run id; without it the container is a raw one and the run id is the job id before '#'"},
    {kStage, ReadBy::kNode, "the stage of the plan to run; `main` in a raw container"},
    {kJoinSecret, ReadBy::kNode, "secret of the job where there is no store; removed before anything is started"},
    {kPort, ReadBy::kNode, "TCP port on which main is joined; default 26117"},
    {kNodeAddress, ReadBy::kNode, "this node's own IPv4 address; default: the one that the route to main uses"},
    {kScratchRoot, ReadBy::kNode, "folder on a local disk for everything temporary of this node; default $TMPDIR or /tmp"},
    {kLifeline, ReadBy::kNode, "descriptor whose end of file means that `mnp run` is gone: end everything"},
    {kRunLock, ReadBy::kNode, "file that the keeper holds locked while anything of its node may run"},
    {kFreshFailures, ReadBy::kNode, "1: failed and poisoned commands run again, their counts at 0 (`mnp resume`)"},
    {kListFile, ReadBy::kNode, "command list of a raw container: a path or s3:// URL"},
    {kLog, ReadBy::kNode, "debug, info, warning or error: how much programs say on standard error"},
    {kAgentSocket, ReadBy::kRank, "the agent's Unix socket, for mnp-rank and mnp-rsh"},
    {kRankFiles, ReadBy::kRank, "folder in which mnp-rank writes what is broadcast"},
    {kEpoch, ReadBy::kRank, "number of the MPI world"},
    {kNode, ReadBy::kCommand, "Batch's index of the node"},
    {"MNP_NODES", ReadBy::kCommand, "number of nodes of the stage"},
    {"MNP_SLOT", ReadBy::kCommand, "slot on the node, from 0"},
    {"MNP_RUN_URL", ReadBy::kCommand, "where the run lies: a folder or URL"},
    {"MNP_COMMAND_INDEX", ReadBy::kCommand, "line of the list that is run, from 0"},
    {"MNP_COMMAND_COUNT", ReadBy::kCommand, "number of commands"},
    {"MNP_TRY", ReadBy::kCommand, "counts every start of the command in the run, from 1"},
    {"MNP_INPUTS", ReadBy::kCommand, "folder with the stage's inputs by name"},
    {"MNP_INPUTS_URL", ReadBy::kCommand, "with stage_inputs: false, a line `name place` for every input"},
    {"MNP_RESULTS", ReadBy::kCommand, "empty folder; what a successful command leaves there is published"},
    {"MNP_SCRATCH", ReadBy::kCommand, "folder on the node's scratch disk, shared by its commands"},
    {"MNP_GPUS", ReadBy::kCommand, "number of GPUs of the command"},
    {"MASTER_ADDR", ReadBy::kCommand, "main's address"},
    {"MASTER_PORT", ReadBy::kCommand, "a port on main for the program's own use: MNP_PORT + 1"},
    {"NODE_RANK", ReadBy::kCommand, "rank of the node among the nodes that joined"},
    {"NNODES", ReadBy::kCommand, "number of nodes that joined"},
    {"AWS_BATCH_JOB_ARRAY_INDEX", ReadBy::kCommand, "the command's index, for entry points of array jobs"},
    {"ARRAY_SIZE", ReadBy::kCommand, "the number of commands, likewise"},
}};

inline constexpr int kDefaultPort = 26117;

}  // namespace mnp::model
