// Files and folders from main to every other node: read once, sent in blocks down the tree of
// World, each rank handing on a block before it writes it.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "comms/inbox.hpp"
#include "comms/tree_reader.hpp"
#include "comms/tree_writer.hpp"
#include "comms/wiring.hpp"

namespace mnp::comms {

/// One broadcast at a time, in the order of main's orders. Each rank's agent hears kBroadcastDone:
/// of its own node; on main, of all nodes, once all have finished. A rank that cannot write keeps
/// handing on, so the others get everything.
class Broadcast {
 public:
  static constexpr size_t kMaxSending = 4;  // blocks that a rank has under way to its children
  static constexpr size_t kMaxReceiving = size_t{2} << 20;  // bytes under way from its parent
  static constexpr size_t kMaxOrders = 4096;                // that wait on main

  Broadcast(const Wiring& wiring, fs::path files);

  /// On main only; kProtocol elsewhere, past kMaxOrders, and for a name that leaves the folder.
  Status order(model::BroadcastOrder order);
  /// Goes on with what there is to do; true when anything was done.
  Result<bool> step();
  bool active() const { return running_.has_value() || !orders_.empty(); }

 private:
  struct Running {
    uint64_t id = 0;
    std::string name;
    std::optional<TreeReader> reader;  // on main
    std::optional<TreeWriter> writer;  // elsewhere, until it fails
    bool sent_all = false;             // the last block has been handed on and written
    size_t confirmed = 0;              // children
    model::CollectiveDone own, below;  // what went wrong here, in the subtree
  };
  void begin_next();
  void read_next();
  Result<bool> step_down();
  Status take_down(std::string_view bytes);
  Result<bool> step_up();
  void begin(uint64_t id, std::string name);
  void failed(const Error& error);
  void finish_if_done();
  void hand_on(const Bytes& message, bool ring);
  bool may_send() const { return wiring_.transport.sending(Channel::kBroadcast) < kMaxSending; }

  const Wiring& wiring_;
  const fs::path files_;
  const std::vector<Rank> children_;
  std::deque<model::BroadcastOrder> orders_;
  std::optional<Running> running_;
  std::optional<Inbox> from_parent_;
  std::deque<Inbox> from_children_;
};

}  // namespace mnp::comms
