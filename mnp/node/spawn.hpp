// Starting an MPI launcher's daemon on another node: frames between mnp-rsh and the agent, which
// the agents forward over their channels with a u64 spawn id in front of each payload.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mnp/core/result.hpp"
#include "mnp/node/rsh_request.hpp"

namespace mnp::node {

enum class SpawnFrame : uint8_t {
  kSpawn = 20,    // mnp-rsh -> agent, once, first: SpawnRequest
  kStderr = 22,   // agent -> mnp-rsh: what the daemon prints, at most kMaxSpawnBlock
  kExited = 23,   // agent -> mnp-rsh, last: SpawnExit
  kRefused = 24,  // agent -> mnp-rsh, last: text; the daemon was not started
  kStop = 25,     // between agents: mnp-rsh has gone, end the daemon
};

inline constexpr size_t kMaxSpawnBlock = size_t{64} << 10;

struct SpawnExit {
  uint32_t code = 0;     // exit status, when it was not killed
  uint32_t signal = 0;   // 0: it ended by itself
  bool stopped = false;  // we have ended it

  /// As a shell says it: the code, or 128 and the signal.
  int status() const {
    return signal == 0 ? static_cast<int>(code & 0xff) : 128 + static_cast<int>(signal);
  }
};

std::string encode(const SpawnRequest& value);
std::string encode(const SpawnExit& value);
Result<SpawnRequest> decode_spawn_request(std::string_view bytes);
Result<SpawnExit> decode_spawn_exit(std::string_view bytes);

/// Payloads as agents send them to each other.
std::string with_spawn_id(uint64_t id, std::string_view payload);
struct SpawnPayload {
  uint64_t id = 0;
  std::string_view payload;
};
Result<SpawnPayload> split_spawn_id(std::string_view bytes);

}  // namespace mnp::node
