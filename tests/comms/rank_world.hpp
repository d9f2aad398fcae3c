// mnp-rank processes under a real mpirun, and the test in the place of all their agents.
#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mnp/core/fd.hpp"
#include "mnp/core/files.hpp"
#include "mnp/core/frame.hpp"
#include "mnp/model/rank_link.hpp"

namespace mnp::comms {

/// Only a hang exceeds it.
inline constexpr auto kTestDeadline = std::chrono::seconds(120);

class RankWorld {
 public:
  struct Options {
    std::vector<std::string> files;    // by rank: MNP_RANK_FILES instead of `files(rank)`
    std::vector<std::string> nodes;    // by rank: MNP_NODE instead of `node(rank)`
    std::vector<std::string> sockets;  // by rank: MNP_AGENT_SOCKET instead of the test's own
    std::string preload{};             // LD_PRELOAD of all; it finds $HELD_SYNC, a file in folder()
  };
  explicit RankWorld(size_t ranks) : RankWorld(ranks, Options()) {}
  RankWorld(size_t ranks, Options options);
  /// Kills mpirun and all that came from it.
  ~RankWorld();
  RankWorld(const RankWorld&) = delete;
  RankWorld& operator=(const RankWorld&) = delete;

  size_t size() const { return agents_.size(); }
  /// Nodes are not numbered as ranks: main's index may be any.
  static NodeIndex node(size_t rank) { return NodeIndex(static_cast<uint32_t>(7 + 3 * rank)); }
  fs::path folder() const { return folder_.path(); }
  fs::path held_sync() const { return folder() / "held"; }
  fs::path files(size_t rank) const { return folder() / ("files" + std::to_string(rank)); }

  /// Whether every rank has connected and said hello in time.
  bool up();
  const model::RankHello& hello(size_t rank) const { return *agents_[rank].hello; }
  pid_t pid(size_t rank) const { return agents_[rank].pid; }

  void send(size_t rank, model::RankFrame type, std::string_view payload);
  /// Turns the loop until `done` holds: false when the deadline has passed or mpirun has ended.
  /// Rings become bells, as agents do it, unless `deaf`.
  bool until(const std::function<bool()>& done);
  /// Turns the loop for a time.
  void run_for(Milliseconds time);
  /// Frames from the rank but for hello, rings and pulses.
  std::deque<Frame>& frames(size_t rank) { return agents_[rank].frames; }
  size_t pulses(size_t rank) const { return agents_[rank].pulses; }
  size_t rings_for(size_t rank) const { return agents_[rank].rings; }
  size_t queued(size_t rank) const { return agents_[rank].out.size() - agents_[rank].sent; }
  bool deaf = false;

  bool connected(size_t rank) const { return static_cast<bool>(agents_[rank].fd); }
  void pause_reading(size_t rank, bool paused) { agents_[rank].paused = paused; }
  void hang_up(size_t rank) { agents_[rank].fd.reset(); }
  /// Exit status of mpirun (128 + signal when killed), nullopt when it has not ended in time.
  std::optional<int> exit_status();

 private:
  struct Agent {
    Fd listener, fd;
    FrameReader reader;
    std::string out;
    size_t sent = 0;  // of `out`
    std::optional<model::RankHello> hello;
    pid_t pid = 0;
    std::deque<Frame> frames;
    size_t rings = 0, pulses = 0;
    bool paused = false;
  };
  void start(const Options& options);
  bool launcher_ended() const;
  void turn(Milliseconds wait);
  void read_from(Agent& agent);
  void take(Agent& agent, Frame frame);

  TemporaryFolder folder_;
  std::vector<Agent> agents_;
  pid_t mpirun_ = 0;
};

}  // namespace mnp::comms
