// Who a connecting node says it is; proved by the key of that number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mnp/core/ids.hpp"
#include "mnp/core/result.hpp"

namespace mnp::node {

/// TLS PSK identity `mnp1|job|attempt|node|incarnation|key number`.
struct PeerIdentity {
  std::string job;  // Batch's job id without "#index"; 1 to 128 of A-Z a-z 0-9 . _ : / -
  uint32_t attempt = 0;
  NodeIndex node;
  Incarnation incarnation;
  uint32_t key_number = 0;  // of the keys of an attempt; so far each has one

  bool operator==(const PeerIdentity&) const = default;
};

inline constexpr size_t kMaxIdentity = 240;  // bytes; OpenSSL takes 256

std::string to_text(const PeerIdentity& identity);
/// Takes exactly what `to_text` writes; kProtocol otherwise, without quoting what came.
Result<PeerIdentity> parse_identity(std::string_view text);

}  // namespace mnp::node
