// Frames between an agent and the mnp-rank of its node, over the agent's Unix socket
// (MNP_AGENT_SOCKET). Frame layout: mnp/core/frame.hpp. The agent listens, the rank connects.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mnp/core/ids.hpp"
#include "mnp/core/result.hpp"

namespace mnp::model {

enum class RankFrame : uint8_t {
  kHello = 1,      // rank -> agent, first: RankHello; after MPI_Init, once all ranks know the nodes
  kSend = 2,       // agent -> rank: NodePayload{to}; rank -> agent: NodePayload{from}
  kRing = 3,       // rank -> agent: u32 node: an MPI message is under way, ring that node's rank
  kBell = 4,       // agent -> rank: look for MPI messages now
  kBroadcast = 5,  // main's agent -> rank 0: BroadcastOrder; file or folder to every other node
  kBroadcastDone = 6,  // rank -> its agent, on every rank: CollectiveDone
  kReduce = 7,         // agent -> rank, on every rank, same id: ReduceOrder
  kReduceDone = 8,     // rank -> its agent, on every rank: CollectiveDone
  kPulse = 10,         // rank -> agent, each second: its loop turns
  kSpawn = 20,         // mnp-rsh -> agent: start a daemon on a node (mnp/node/spawn.hpp)
};

struct RankHello {
  EpochNumber epoch;
  NodeIndex node;
  Rank rank;
  uint32_t size = 0;
};
struct NodePayload {
  NodeIndex node;  // agent -> rank: destination; rank -> agent: source. Main talks to all, the
                   // others to main only.
  std::string bytes;
};
struct BroadcastOrder {
  uint64_t id = 0;
  std::string source;  // absolute path on main: a file, or a folder with all below it
  std::string name;    // becomes $MNP_RANK_FILES/<name> on every other node
};
struct ReduceOrder {
  uint64_t id = 0;
  uint8_t op = 0;                  // model::ReduceOp
  std::vector<std::string> files;  // this node's .npy files in summing order; may be none
  std::string target;              // rank 0: the file to write (atomically); "" elsewhere
};
struct CollectiveDone {
  uint64_t id = 0;
  std::string error;  // "" when all went well; names the file otherwise
  uint32_t code = 0;  // mnp::Code of the error
};

std::string encode(const RankHello& value);
std::string encode(const NodePayload& value);
std::string encode(const BroadcastOrder& value);
std::string encode(const ReduceOrder& value);
std::string encode(const CollectiveDone& value);
Result<RankHello> decode_rank_hello(std::string_view bytes);
Result<NodePayload> decode_node_payload(std::string_view bytes);
Result<BroadcastOrder> decode_broadcast_order(std::string_view bytes);
Result<ReduceOrder> decode_reduce_order(std::string_view bytes);
Result<CollectiveDone> decode_collective_done(std::string_view bytes);

}  // namespace mnp::model
