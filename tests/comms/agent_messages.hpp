// Messages between the agents that a test plays.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rank_world.hpp"

namespace mnp::comms {

using model::NodePayload;
using model::RankFrame;

inline void send_to(RankWorld& world, size_t from, size_t to, std::string bytes) {
  world.send(from, RankFrame::kSend,
             model::encode(NodePayload{RankWorld::node(to), std::move(bytes)}));
}

/// The messages that have come to a rank's agent, taken.
inline std::vector<NodePayload> taken(RankWorld& world, size_t rank) {
  std::vector<NodePayload> messages;
  for (const Frame& frame : world.frames(rank)) {
    EXPECT_EQ(frame.type, static_cast<uint8_t>(RankFrame::kSend));
    messages.push_back(*model::decode_node_payload(frame.payload));
  }
  world.frames(rank).clear();
  return messages;
}

}  // namespace mnp::comms
