// What main and a child say to each other on their channel (mnp/node/channel.hpp): joining,
// beats, MPI daemons, the end. Commands and results travel over MPI instead (model/message.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mnp/core/clock.hpp"
#include "mnp/core/ids.hpp"
#include "mnp/core/result.hpp"

namespace mnp::node {

enum class Control : uint8_t {
  kJoin = 1,         // child: Join; once, first
  kWelcome = 2,      // main: Welcome
  kReady = 3,        // child: Ready; inputs are staged and setup is done
  kBeat = 4,         // child: u64 its own clock when sent
  kBeatAck = 5,      // main: the same u64
  kBell = 6,         // main -> child: look for MPI messages; child -> main: u32 node to ring
  kEndEpoch = 7,     // main: u32 epoch; end its daemons and ranks
  kEpochEnded = 8,   // child: u32 epoch; nothing of it is left
  kDrain = 9,        // main: end commands in order, keep what ran
  kEnd = 10,         // main: End; the stage is over
  kGoodbye = 11,     // child: text; everything of it has ended, its commands may be dealt again now
  kRefused = 12,     // main: text; do not come again
  kBeginEpoch = 13,  // main: BeginEpoch; its daemons and its rank are let in from now on
  kMessage = 14,     // both: a model::Message, where no MPI world can carry it (a drain)
  kPing = 15,        // main: u64; do you live?
  kPong = 16,        // child, at once: the same u64
  kInputHeld = 17,   // child: u64 id of a broadcast; commands find its input from now on
  kShareHeld = 18,   // child: CollectiveDone; it has the files of its share of a reduction, or not
  kRankGone = 19,    // child: u32 epoch; its rank in it has ended, or has not come
  // MPI daemons (mnp/node/spawn.hpp): u64 spawn id in front of each payload.
  kSpawn = 20,
  kSpawnStderr = 22,
  kSpawnExited = 23,
  kSpawnRefused = 24,
  kSpawnStop = 25,
};

/// What is fixed about a node's machine; kept in nodes.json.
struct Join {
  std::string host;      // the machine's own name
  std::string address;   // IPv4 that other nodes reach it by
  std::string topology;  // one line for people
  uint32_t cores = 0;
  uint64_t memory_bytes = 0;
  uint32_t gpus = 0;
};
struct Welcome {
  std::string plan;  // plan.json: a raw container's child has no other way to know it
  OwnerNumber owner;
  uint32_t lease_ms = 0;
  uint32_t beat_ms = 0;
};
struct Ready {
  uint32_t slots = 0;
  std::string error;  // why this node cannot take part; empty when it can
  uint32_t code = 0;  // mnp::Code of the error
};
struct BeginEpoch {
  EpochNumber epoch;
  uint32_t nodes = 1;      // that are in it
  uint32_t node_rank = 0;  // of the receiver among them
  uint32_t launch_ms = 0;  // for all its ranks to find together
};
struct End {
  int32_t status = 0;
  std::string text;
};

std::string encode(const Join& value);
std::string encode(const Welcome& value);
std::string encode(const Ready& value);
std::string encode(const BeginEpoch& value);
std::string encode(const End& value);
std::string encode_u32(uint32_t value);
std::string encode_u64(uint64_t value);
Result<Join> decode_join(std::string_view bytes);
Result<Welcome> decode_welcome(std::string_view bytes);
Result<Ready> decode_ready(std::string_view bytes);
Result<BeginEpoch> decode_begin_epoch(std::string_view bytes);
Result<End> decode_end(std::string_view bytes);
Result<uint32_t> decode_u32(std::string_view bytes);
Result<uint64_t> decode_u64(std::string_view bytes);

}  // namespace mnp::node
