// The worker's side of MPI: the node's rank, its daemons, the programs that call mpirun.
#include <cstdlib>

#include <fmt/format.h>

#include "mnp/core/log.hpp"
#include "mnp/model/environment.hpp"
#include "mnp/node/inputs.hpp"
#include "mnp/node/programs.hpp"
#include "mnp/node/worker.hpp"

namespace mnp::node {
namespace {

constexpr Milliseconds kReducePatience{30000};  // a store that fails is tried for so long
constexpr Milliseconds kReduceRetry{500};

}  // namespace

void Worker::take_peer(std::shared_ptr<LocalPeer> peer) {
  LocalPeer* const key = peer.get();
  peer->on_frame = [this, key](const Frame& frame) { first_frame(key, frame); };
  peer->on_closed = [this, key] { strangers_.erase(key); };
  strangers_.emplace(key, std::move(peer));
}

void Worker::first_frame(LocalPeer* peer, const Frame& frame) {
  const auto stranger = strangers_.extract(peer);
  if (!stranger) return;
  const std::shared_ptr<LocalPeer>& known = stranger.mapped();
  if (frame.type == static_cast<uint8_t>(model::RankFrame::kHello)) return take_rank(known, frame);
  if (frame.type == static_cast<uint8_t>(SpawnFrame::kSpawn)) {
    auto request = decode_spawn_request(frame.payload);
    if (request) return callbacks_.spawn(known, std::move(*request));
    known->send(static_cast<uint8_t>(SpawnFrame::kRefused), request.error().text);
    return;
  }
  log::warning("a local client began with a frame of type {}", frame.type);
  known->on_closed = nullptr;
  known->close();
}

void Worker::take_rank(const std::shared_ptr<LocalPeer>& peer, const Frame& frame) {
  const auto hello = model::decode_rank_hello(frame.payload);
  peer->on_closed = nullptr;
  if (!hello || hello->epoch != epoch_.epoch || hello->node != context_.me.index ||
      rank_ != nullptr) {
    log::warning(
        "refused a rank: {}",
        hello ? fmt::format("it is of epoch {}, not {}", hello->epoch.value(), epoch_.epoch.value())
              : hello.error().text);
    peer->close();
    return;
  }
  rank_ = peer;
  rank_watch_ = std::make_unique<RankWatch>(loop_, peer->pid());
  rank_->on_frame = [this](const Frame& next) { rank_said(next); };
  rank_->on_closed = [this] {
    rank_watch_.reset();
    rank_.reset();
    callbacks_.rank_down();
  };
  callbacks_.rank_up(*hello);
}

void Worker::rank_said(const Frame& frame) {
  rank_watch_->heard();
  switch (static_cast<model::RankFrame>(frame.type)) {
    case model::RankFrame::kSend: {
      auto payload = model::decode_node_payload(frame.payload);
      auto message = payload ? model::decode_message(payload->bytes)
                             : Result<model::Message>(fail(payload.error()));
      if (message) return callbacks_.rank_message(payload->node, std::move(*message));
      return log::error("from the rank: {}", message.error().text);
    }
    case model::RankFrame::kRing: {
      Decoder in(frame.payload);
      const NodeIndex node(in.u32());
      if (in.finish("ring")) callbacks_.ring(node);
      return;
    }
    case model::RankFrame::kBroadcastDone:
    case model::RankFrame::kReduceDone: {
      auto done = model::decode_collective_done(frame.payload);
      if (!done) return log::error("from the rank: {}", done.error().text);
      const bool broadcast = frame.type == static_cast<uint8_t>(model::RankFrame::kBroadcastDone);
      if (!broadcast) drop_share(done->id);
      return (broadcast ? callbacks_.broadcast_done : callbacks_.reduce_done)(std::move(*done));
    }
    case model::RankFrame::kPulse:
      return;
    default:
      log::error("the rank sent a frame of type {}", frame.type);
  }
}

void Worker::rank_send(NodeIndex to, const model::Message& message) {
  rank_frame(model::RankFrame::kSend,
             encode(model::NodePayload{to, model::encode_message(message)}));
}

void Worker::rank_frame(model::RankFrame type, std::string_view payload) {
  if (rank_) rank_->send(static_cast<uint8_t>(type), payload);
}

/// What differs from node to node and so cannot come from main: the agent's socket, and folders of
/// this node's own, so that nodes that share a machine do not meet in them.
std::vector<std::string> Worker::daemon_environment(EpochNumber epoch) const {
  const char* hwloc = std::getenv("HWLOC_COMPONENTS");
  const std::string temporary = context_.scratch.temporary().string();
  return {
      fmt::format("{}={}", model::kAgentSocket, context_.scratch.socket()),
      fmt::format("{}={}", model::kRankFiles, context_.scratch.received().string()),
      fmt::format("{}={}", model::kEpoch, epoch.value()),
      fmt::format("{}={}", model::kNode, context_.me.index.value()),
      "TMPDIR=" + temporary,
      // hwloc would ask for X displays, and wait 20 s for `localhost` where no name server answers.
      fmt::format("HWLOC_COMPONENTS={}", hwloc == nullptr ? "-gl" : hwloc),
      "PMIX_MCA_gds=hash",  // no files shared with other nodes of this machine
      "OMPI_ALLOW_RUN_AS_ROOT=1",
      "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
      "PRTE_ALLOW_RUN_AS_ROOT=1",
      "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1",
  };
}

std::vector<std::string> Worker::daemon_folders() const {
  const std::string temporary = context_.scratch.temporary().string();
  return {"OMPI_MCA_orte_tmpdir_base=" + temporary,
          "OMPI_MCA_btl_vader_backing_directory=" + temporary,
          "PRTE_MCA_prte_tmpdir_base=" + temporary};
}

std::vector<std::string> Worker::daemon_base() const {
  if (!context_.is_program()) return own_environment();
  return stage_environment(context_, epoch_.nodes, epoch_.node_rank);
}

Status Worker::start_daemon(uint64_t id, EpochNumber epoch, cpu::Start start,
                            Daemons::Callbacks callbacks) {
  start.leave_descendants = true;
  start.cwd = context_.spec().cwd;
  return daemons_->start(id, epoch, std::move(start), std::move(callbacks));
}

void Worker::end_epoch(EpochNumber epoch, std::function<void()> done) {
  if (rank_ && epoch == epoch_.epoch) {
    rank_->on_closed = nullptr;
    rank_->close();
    rank_watch_.reset();
    rank_.reset();
  }
  if (epoch == epoch_.epoch) {
    epoch_.epoch = EpochNumber(0);
    while (!shares_.empty()) drop_share(shares_.begin()->first);  // the next are cut otherwise
  }
  daemons_->end_epoch(epoch, [this, done = std::move(done)] {
    remove_unlinked(context_.scratch.received(), context_.scratch.inputs());
    loop_.post(done);
  });
}

// ---- reductions

/// Asks again while the store fails.
template <class F>
auto Worker::with_patience(F call) -> decltype(call()) {
  const TimePoint give_up = Clock::now() + kReducePatience;
  auto done = call();
  while (!done && done.error().code == Code::kStore && Clock::now() < give_up &&
         !context_.s3->cancelled()) {
    std::this_thread::sleep_for(kReduceRetry);
    done = call();
  }
  return done;
}

void Worker::bring(const model::ReduceOrder& share,
                   std::function<void(const model::CollectiveDone&)> done) {
  if (!reduce_errands_) reduce_errands_ = std::make_unique<Errands>();
  shares_[share.id] = share.files;
  const EpochNumber epoch = epoch_.epoch;
  reduce_errands_->add(
      fmt::format("bring {}", share.id), [this, share, epoch, done = std::move(done)] {
        const Status brought = with_patience([&] { return reduce_files_.bring(share.files); });
        model::CollectiveDone held{share.id, "", 0};
        if (!brought)
          held = {share.id, brought.error().text, static_cast<uint32_t>(brought.error().code)};
        loop_.post([this, epoch, done, held = std::move(held)] {
          if (epoch == epoch_.epoch) done(held);
        });
      });
}

void Worker::order_reduction(model::ReduceOrder share) {
  for (std::string& file : share.files) file = reduce_files_.file(file).string();
  if (!share.target.empty()) share.target = reduce_files_.target(share.target).string();
  rank_frame(model::RankFrame::kReduce, encode(share));
}

void Worker::publish_reduced(const std::string& path,
                             std::function<void(Result<model::ResultFile>)> done) {
  reduce_errands_->add("publish " + path, [this, path, done = std::move(done)] {
    auto file = with_patience([&] { return reduce_files_.publish(path); });
    loop_.post([done, file = std::move(file)] { done(file); });
  });
}

/// Its files are not needed any more.
void Worker::drop_share(uint64_t id) {
  const auto share = shares_.extract(id);
  if (!share || !reduce_errands_) return;
  reduce_errands_->add(fmt::format("drop {}", id),
                       [this, keys = share.mapped()] { reduce_files_.drop(keys); });
}

}  // namespace mnp::node
