// Non-blocking messages between the ranks of one MPI world. mpi.h is included by transport.cpp
// alone. Nothing here waits but `begin` and `exchange`. A world is never finished: its processes
// end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mnp/core/clock.hpp"
#include "mnp/core/ids.hpp"
#include "mnp/core/result.hpp"

namespace mnp::comms {

/// Kinds of messages that do not wait for each other; in one channel, what one rank sends another
/// arrives in order. Values are MPI tags.
enum class Channel : int { kMessages = 1, kBroadcast = 2, kReduce = 3 };

using Bytes = std::shared_ptr<const std::string>;

class Transport {
 public:
  struct Receiving;  // a message that has been matched and is on its way into memory
  struct ReceivingDeleter {
    void operator()(Receiving* receiving) const;
  };
  using ReceivingPointer = std::unique_ptr<Receiving, ReceivingDeleter>;

  /// MPI_Init_thread. kMpi when MPI refuses; a launch that hangs is the launcher's to end.
  static Result<std::unique_ptr<Transport>> begin();
  ~Transport();

  Rank rank() const { return rank_; }
  uint32_t size() const { return size_; }
  /// Each rank's value, by rank. All ranks must call it.
  Result<std::vector<uint32_t>> exchange(uint32_t own);

  /// Starts to send. A send ends when its receiver has matched it (synchronous mode), so what is
  /// `sending` bounds what lies unread at the other ranks too.
  void send(Rank to, Channel channel, Bytes bytes);
  size_t sending(Channel channel) const;  // messages
  size_t sending_bytes(Channel channel) const;
  bool sending_anything() const;
  /// Ranks that have not taken a message which was sent before `time`; each once.
  std::vector<Rank> not_taken_since(TimePoint time) const;

  /// The next message of the channel, of one rank or of any. nullptr: none is there.
  ReceivingPointer probe(Channel channel, std::optional<Rank> from);
  /// Whether all of it is in memory.
  bool complete(Receiving& receiving);
  static Rank source(const Receiving& receiving);
  static size_t size_of(const Receiving& receiving);
  static std::string take(Receiving& receiving);

  /// Tests what is being sent; true when a send ended. kMpi once any call to MPI has failed.
  Result<bool> progress();

 private:
  struct Sending;
  Transport();
  void note(int mpi_code, const char* call);

  Rank rank_;
  uint32_t size_ = 0;
  std::unique_ptr<Sending> sending_;
  Status failed_;
};

}  // namespace mnp::comms
