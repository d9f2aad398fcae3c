// What main and a node's agent say to each other about commands. Main's own agent gets the same
// messages in memory; the others over MPI, carried by mnp-rank, or over the control channel.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mnp/core/ids.hpp"
#include "mnp/core/result.hpp"
#include "mnp/model/record.hpp"

namespace mnp::model {

/// Elements of one message; senders split longer lists, and keep a message below kMaxFrame.
inline constexpr size_t kMaxMessageItems = size_t{1} << 20;

/// Main -> node: run these.
struct Deal {
  struct Item {
    CommandIndex command;
    uint32_t start = 1;
    std::string line;
    uint64_t identity = 0;  // CommandList::identities(): its number may change with the list
  };
  std::vector<Item> items;
  bool suspect = false;  // nodes have died under it before: it runs alone
};
/// Node -> main: these starts have ended, their slots are free; nothing is in the store yet.
struct Ran {
  struct Item {
    CommandIndex command;
    uint32_t start = 1;
    bool failed = false;  // its record will say how
  };
  std::vector<Item> items;
};
/// Node -> main: results and output of these starts are in the store. Said again in every epoch
/// until main has acknowledged them with Kept.
struct Stored {
  std::vector<Record> records;
};
/// Main -> node: these records are in the journal; the node forgets them.
struct Kept {
  std::vector<StartId> items;
};
/// Main -> node: reduce. The node passes `partials` (its share, store keys in summing order) on
/// to its rank; every node of the epoch gets a Collect of the same `id`.
struct Collect {
  uint64_t id = 0;
  uint8_t op = 0;                     // model::ReduceOp
  std::vector<std::string> partials;  // files
};

/// Node -> main, in every epoch once its unkept records have been said again (Stored): starts that
/// were dealt to the node and are not stored yet. What main has dealt and does not find here, nor
/// in a Stored, was lost on its way and is dealt again. No deal comes in an epoch before this.
struct Held {
  std::vector<StartId> items;
};

using Message = std::variant<Deal, Ran, Stored, Kept, Collect, Held>;

/// In messages that fit a frame each; a record is never split.
std::vector<Stored> split_stored(std::vector<Record> records);

std::string encode_message(const Message& message);
/// kProtocol for anything that encode_message does not write, or over a limit (record.hpp,
/// kMaxLine).
Result<Message> decode_message(std::string_view bytes);

}  // namespace mnp::model
