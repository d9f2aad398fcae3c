// Messages of one channel that have arrived, whole and in order, in bounded memory.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "comms/transport.hpp"

namespace mnp::comms {

struct Arrived {
  Rank from;
  std::string bytes;
};

class Inbox {
 public:
  /// Of one rank, or of any. No message is taken from MPI while `limit` bytes or kMaxMessages are
  /// under way here: their senders wait.
  Inbox(Transport& transport, Channel channel, std::optional<Rank> from, size_t limit)
      : transport_(&transport), channel_(channel), from_(from), limit_(limit) {}

  /// The next message that is whole; nullopt: none yet.
  std::optional<Arrived> next();
  /// Whether messages are on their way in.
  bool receiving() const { return !under_way_.empty(); }

  static constexpr size_t kMaxMessages = 64;

 private:
  void look();

  Transport* transport_;
  Channel channel_;
  std::optional<Rank> from_;
  size_t limit_;
  size_t bytes_ = 0;
  std::deque<Transport::ReceivingPointer> under_way_;
};

}  // namespace mnp::comms
