// A worker of a machine of two cores, in the loop of a stage as its main sees it.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <optional>

#include "mnp/node/worker.hpp"
#include "node_orphans.hpp"
#include "roster_fixture.hpp"

namespace mnp::node {

/// A process of this node that speaks to the agent's socket, played by the test.
struct PlayedClient {
  std::shared_ptr<LocalPeer> peer;
  std::vector<Frame> heard;
  bool closed = false;
};

class WorkerTest : public RosterTest {
 protected:
  WorkerTest() { spec().slots = 2; }
  ~WorkerTest() override {
    if (worker) worker->close();
  }

  void create() {
    Machine machine;
    machine.topology.cores = {{0}, {1}};
    machine.topology.memory_bytes = uint64_t{4} << 30;
    Worker::Callbacks callbacks;
    callbacks.ran = [this](model::Ran some) {
      for (const auto& item : some.items) ran.push_back(item.command.value());
    };
    callbacks.stored = [this](std::vector<model::Record> some) {
      if (on_stored) on_stored(some);
      for (model::Record& record : some) stored.push_back(std::move(record));
    };
    callbacks.failed = [](const Error& error) { ADD_FAILURE() << error.text; };
    callbacks.rank_up = [this](const model::RankHello& hello) { ranks.push_back(hello); };
    callbacks.rank_down = [this] { ++ranks_gone; };
    callbacks.rank_message = [this](NodeIndex from, model::Message message) {
      messages.emplace_back(from.value(), std::move(message));
    };
    callbacks.ring = [this](NodeIndex node) { rings.push_back(node.value()); };
    callbacks.broadcast_done = [this](const model::CollectiveDone& done) {
      broadcasts.push_back(done);
    };
    callbacks.reduce_done = [this](const model::CollectiveDone& done) {
      reductions.push_back(done);
    };
    callbacks.spawn = [this](std::shared_ptr<LocalPeer> peer, const SpawnRequest& request) {
      spawns.emplace_back(std::move(peer), request);
    };
    auto made = Worker::create(loop, context, machine, shared_orphans(), std::move(callbacks));
    ASSERT_TRUE(made) << made.error().text;
    worker = std::move(*made);
  }
  /// What prepare says.
  Result<uint32_t> prepare() {
    std::optional<Result<uint32_t>> slots;
    const auto begun = worker->prepare([&](const Result<uint32_t>& got) { slots = got; });
    if (!begun) return fail(begun.error());
    if (!until([&] { return slots.has_value(); })) return fail(Code::kBug, "no answer");
    return *slots;
  }
  void start() {
    create();
    const auto slots = prepare();
    ASSERT_TRUE(slots) << slots.error().text;
    const auto started = worker->start_slots();
    ASSERT_TRUE(started) << started.error().text;
  }
  void deal(uint32_t command, const std::string& line, uint32_t start = 1) {
    worker->deal({{{CommandIndex(command), start, line}}});
  }
  std::unique_ptr<PlayedClient> client() {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    context.scratch.socket().copy(to.sun_path, sizeof to.sun_path - 1);
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    return play(std::move(fd));
  }
  std::unique_ptr<PlayedClient> play(Fd fd) {
    auto made = std::make_unique<PlayedClient>();
    made->peer = std::make_shared<LocalPeer>(loop, std::move(fd), ::getpid());
    made->peer->on_frame = [raw = made.get()](Frame frame) { raw->heard.push_back(frame); };
    made->peer->on_closed = [raw = made.get()] { raw->closed = true; };
    return made;
  }
  void end_epoch(uint32_t epoch) {
    bool done = false;
    worker->end_epoch(EpochNumber(epoch), [&] { done = true; });
    ASSERT_TRUE(until([&] { return done; }));
  }
  std::string note(const std::string& name) const { return (folder.path() / name).string(); }
  bool there(const std::string& name) const { return fs::exists(folder.path() / name); }
  std::string output_of(uint32_t command, uint32_t start = 1) {
    std::string text;
    (void)cpu::read_output(*context.store,
                           context.attempt().output(context.me.index, context.incarnation),
                           CommandIndex(command), 1, [&](const cpu::OutputChunk& chunk) {
                             if (chunk.start == start) text += chunk.bytes;
                           });
    return text;
  }

  std::vector<uint32_t> ran, rings;
  std::vector<model::Record> stored;
  std::function<void(const std::vector<model::Record>&)> on_stored;
  std::vector<model::RankHello> ranks;
  int ranks_gone = 0;
  std::vector<std::pair<uint32_t, model::Message>> messages;
  std::vector<model::CollectiveDone> broadcasts, reductions;
  std::vector<std::pair<std::shared_ptr<LocalPeer>, SpawnRequest>> spawns;
  std::unique_ptr<Worker> worker;
};

}  // namespace mnp::node
