// The main node at work: worlds come and go, commands are dealt, their records kept.
#include <algorithm>

#include <fmt/format.h>

#include "mnp/core/log.hpp"
#include "mnp/node/main_node.hpp"

namespace mnp::node {
namespace {

constexpr Milliseconds kProgressInterval{1000};
constexpr Milliseconds kStopReachesAll{1000};
constexpr Milliseconds kSayWhoIsMissing{30000};
constexpr int kSilentLeases = 2;           // of main's agent, until its keeper ends it
constexpr Milliseconds kDaemonsEnd{5000};  // of a program that has ended
constexpr Milliseconds kLookAgain{10};

}  // namespace

void MainNode::set_timers() {
  const model::StageSpec& spec = context_.spec();
  timers_.push_back(loop_.every(spec.beat, [this] { every_beat(); }));
  timers_.push_back(loop_.every(kProgressInterval, [this] {
    write_progress();
    look_at_time();
  }));
  timers_.push_back(loop_.after(spec.join_timeout, [this] { join_deadline(); }));
  timers_.push_back(loop_.every(kSayWhoIsMissing, [this] {
    if (phase_ == Phase::kJoining) log::info("waits for {}", roster_->missing_text());
  }));
  timers_.push_back(loop_.every(spec.lease / 3, [this] { look_for_newer_owner(); }));
  every_beat();
}

/// No lease is prolonged by a main that has not seen for a lease that it still owns the stage: a
/// newer owner deals two leases and a second after its claim.
bool MainNode::is_surely_owner() const {
  return context_.me.lease_clock().now() - owner_seen_ <= context_.spec().lease;
}

void MainNode::look_for_newer_owner() {
  owner_errands_->add("owner", [this] {
    const LeaseTime asked = context_.me.lease_clock().now();
    const auto claim = model::highest_claim(*context_.store, context_.keys());
    if (!claim) return log::warning("look for a newer owner: {}", claim.error().text);
    loop_.post([this, asked, newest = claim->owner] {
      if (newest <= context_.owner) {
        owner_seen_ = std::max(owner_seen_, asked);
        return roster_->acknowledge_all();
      }
      journal_failed(Error{Code::kSuperseded,
                           fmt::format("owner {} has taken over this stage", newest.value())});
    });
  });
}

/// Beats are counted, not time: a main that was frozen looks first.
void MainNode::every_beat() {
  const model::StageSpec& spec = context_.spec();
  keeper_.set_deadline(context_.me.lease_clock().now() + kSilentLeases * spec.lease);
  owner_unseen_beats_ = is_surely_owner() ? 0 : owner_unseen_beats_ + 1;
  if (owner_unseen_beats_ == 1) look_for_newer_owner();
  // A newer owner's commands may start two leases and a second after what main has seen last.
  const bool still = context_.me.lease_clock().now() - owner_seen_ < 2 * spec.lease - spec.beat;
  if (owner_unseen_beats_ < 2 || still) return;
  if (phase_ == Phase::kEnding) return worker_->kill_commands();
  journal_failed(Error{Code::kStore, "the store does not say whether another main has taken over"});
}

void MainNode::look_at_time() {
  if (phase_ == Phase::kJoining || phase_ == Phase::kEnding) return;
  const model::StageSpec& spec = context_.spec();
  const TimePoint now = Clock::now();
  if (spec.stage_timeout && now - begun_at_ > *spec.stage_timeout)
    return end(fail(Code::kStageTimeout, fmt::format("stage_timeout of {} has passed",
                                                     model::duration_text(*spec.stage_timeout))));
  if (!spec.stall_timeout || !commands_ || !commands_->under_way()) return;
  if (now - commands_->last_progress() > *spec.stall_timeout)
    end(fail(Code::kStageTimeout,
             fmt::format("stall_timeout of {} has passed without the end of any command",
                         model::duration_text(*spec.stall_timeout))));
}

// ---- worlds

void MainNode::world_up() {
  if (phase_ == Phase::kEnding) return;
  if (program_ && program_->running()) return;
  if (phase_ == Phase::kReducing) return reduction_->start(epochs_->members());
  const NodeIndex me = context_.me.index;
  if (commands_) {
    if (auto started = worker_->start_slots(); !started) return end(fail(started.error()));
    commands_->add_node(me, context_.incarnation, roster_->at(me).slots);
    commands_->set_dealing(false);  // a main that began alone deals already
  }
  broadcast_->begin(epochs_->number(), epochs_->members());
}

void MainNode::world_down() {
  broadcast_->interrupt();
  reduction_->interrupt();
  if (commands_) commands_->set_dealing(false);
}

void MainNode::inputs_ready() {
  epochs_->note_progress();
  if (program_) return epochs_->renew("the inputs are everywhere; the program starts", deal_from_);
  if (Clock::now() >= deal_from_) return commands_->set_dealing(true);
  log::info("an earlier main was lost: nothing is dealt until its leases have ended");
  timers_.push_back(loop_.at(deal_from_, [this] {
    const bool alone = epochs_->number() == EpochNumber(0);
    if (phase_ == Phase::kRunning && (alone || epochs_->up()) && !broadcast_->under_way())
      commands_->set_dealing(true);
  }));
}

/// The program is what runs in the epoch that begins, or ranks that bring its inputs to nodes that
/// have joined without them.
void MainNode::choose_launch() {
  if (!broadcast_->all_hold(epochs_->members()) || Clock::now() < deal_from_)
    return epochs_->set_launch(nullptr);
  epochs_->set_launch([this](EpochNumber epoch, const MpiHosts& hosts, const fs::path& folder) {
    return program_->launch(epoch, hosts, folder);
  });
}

/// What a program says counts once all its nodes have answered: one of them may be gone without
/// main having noticed.
void MainNode::program_ended() {
  if (phase_ == Phase::kEnding) return;
  roll_call_->begin(epochs_->members(), context_.me.index, [this, start = program_->start()] {
    judge_program(start, Clock::now() + kDaemonsEnd);
  });
}

/// Its daemons end with it; one that was killed before tells by that.
void MainNode::judge_program(uint32_t start, TimePoint until) {
  if (phase_ == Phase::kEnding || !program_->doubtful() || program_->start() != start) return;
  const bool quiet = desk_->idle() || Clock::now() > until;
  if (quiet && nodes_leaving_ == 0) return program_->let_stand(desk_->failed());
  timers_.push_back(loop_.after(kLookAgain, [this, start, until] { judge_program(start, until); }));
}

// ---- nodes

void MainNode::node_lost(NodeIndex node, TimePoint deal_again_at, bool orderly) {
  write_nodes();
  desk_->lost(node);
  broadcast_->lost(node);
  on_channel_.erase(node);
  // A node that says goodbye has ended its commands; ranks of a program go with its keeper.
  if (orderly && program_) deal_again_at = Clock::now() + context_.spec().lease + kLeaseMargin;
  if (last_words_) return;
  starts_lost_ = true;
  if (!orderly && phase_ != Phase::kJoining)
    journal_->append(
        model::NodeLost{node, roster_->at(node).incarnation, roster_->at(node).reason});
  if (commands_ && phase_ != Phase::kJoining) commands_->lose_node(node, deal_again_at, orderly);
  if (phase_ == Phase::kEnding) return drained_if_all();
  if (!orderly) return go_on_without(node, deal_again_at);
  // Batch stops a job on all its nodes: children may have heard of it before main.
  ++nodes_leaving_;
  timers_.push_back(loop_.after(kStopReachesAll, [this, node, deal_again_at] {
    --nodes_leaving_;
    go_on_without(node, deal_again_at);
  }));
}

void MainNode::go_on_without(NodeIndex node, TimePoint deal_again_at) {
  if (phase_ == Phase::kJoining || phase_ == Phase::kEnding || !enough_alive()) return;
  if (!program_) return epochs_->lost(node);
  if (program_->ended() || (epochs_->has(node) && !program_->may_restart(node))) return;
  if (epochs_->has(node)) roll_call_->cancel();
  epochs_->lost(node, deal_again_at);
}

void MainNode::node_bad(NodeIndex node, const std::string& reason) {
  roster_->note_bad(node, reason);
  write_nodes();
  write_progress();
  enough_alive();
}

/// A bad node does no work: with nobody else the stage would never end. False: it ends now.
bool MainNode::enough_alive() {
  const size_t alive = roster_->count(NodeState::kReady) - roster_->count_bad();
  if (phase_ == Phase::kEnding || alive >= context_.spec().min_alive) return true;
  std::string gone = roster_->missing_text();
  if (const std::string bad = roster_->bad_text(); !bad.empty())
    gone += (gone.empty() ? "" : ", ") + bad;
  end(fail(Code::kNodesLost, fmt::format("{} nodes are alive, min_alive is {}; gone: {}", alive,
                                         context_.spec().min_alive, gone)));
  return false;
}

void MainNode::node_said(NodeIndex node, Control what, const std::string& payload) {
  switch (what) {
    case Control::kBell:
      if (const auto to = decode_u32(payload)) return ring(NodeIndex(*to));
      break;
    case Control::kEpochEnded:
      if (const auto epoch = decode_u32(payload))
        return epochs_->node_ended(node, EpochNumber(*epoch));
      break;
    case Control::kRankGone:
      if (const auto epoch = decode_u32(payload))
        return epochs_->rank_gone(node, EpochNumber(*epoch));
      break;
    case Control::kInputHeld:
      if (const auto broadcast = decode_u64(payload)) return broadcast_->held(node, *broadcast);
      break;
    case Control::kShareHeld:
      if (const auto held = model::decode_collective_done(payload))
        return reduction_->held(node, *held);
      break;
    case Control::kMessage:
      on_channel_.insert(node);
      if (auto message = model::decode_message(payload))
        return take_message(node, std::move(*message));
      break;
    case Control::kGoodbye:
      return;
    case Control::kPong:
      return roll_call_->heard(node, payload);
    case Control::kSpawnStderr:
    case Control::kSpawnExited:
    case Control::kSpawnRefused:
      return desk_->heard(node, what, payload);
    default:
      break;
  }
  roster_->give_up(
      node, fmt::format("sent a frame of type {} that makes no sense", static_cast<int>(what)));
}

void MainNode::ring(NodeIndex node) {
  if (node == context_.me.index) return worker_->ring_rank();
  if (node.value() < context_.me.nodes)
    roster_->send(node, Control::kBell, encode_u32(node.value()));
}

// ---- messages

void MainNode::take_message(NodeIndex from, model::Message message) {
  if (auto* stored = std::get_if<model::Stored>(&message)) {
    epochs_->note_progress();
    if (program_) return program_->stored(stored->records);
    return commands_->stored(from, std::move(stored->records));
  }
  if (!commands_) return;
  if (const auto* ran = std::get_if<model::Ran>(&message)) return commands_->ran(from, *ran);
  if (const auto* held = std::get_if<model::Held>(&message)) {
    const RosterNode& node = roster_->at(from);
    if (node.state != NodeState::kReady) return;
    commands_->add_node(from, node.incarnation, node.slots);
    commands_->held(from, *held);
    return commands_->turn();
  }
  roster_->give_up(from, "sent a message that only main sends");
}

void MainNode::send(NodeIndex node, const model::Message& message) {
  if (node != context_.me.index) {
    if (drains_ || on_channel_.count(node) > 0)
      return roster_->send(node, Control::kMessage, model::encode_message(message));
    return worker_->rank_send(node, message);
  }
  if (const auto* deal = std::get_if<model::Deal>(&message)) return worker_->deal(*deal);
  if (const auto* kept = std::get_if<model::Kept>(&message)) return worker_->kept(*kept);
}

void MainNode::bring_share(NodeIndex node, const model::ReduceOrder& share) {
  if (node != context_.me.index)
    return worker_->rank_send(node, model::Collect{share.id, share.op, share.files});
  worker_->bring(share, [this](const model::CollectiveDone& held) {
    reduction_->held(context_.me.index, held);
  });
}

// ---- outcomes

void MainNode::commands_finished() {
  if (phase_ != Phase::kRunning) return;
  const model::Counts counts = commands_->counts();
  const uint64_t allowed = context_.spec().allow_failures.of(context_.stage().commands);
  if (counts.bad() > allowed)
    return end(
        fail(Code::kCommandsFailed, fmt::format("{} of {} commands failed, {} may", counts.bad(),
                                                context_.stage().commands, allowed)));
  MNP_ASSERT(counts.done() == context_.stage().commands, "a stage has not run all its commands");
  if (!reduction_->wanted()) return end({});
  phase_ = Phase::kReducing;
  write_progress();
  if (epochs_->up()) reduction_->start(epochs_->members());
}

void MainNode::journal_failed(const Error& error) {
  store_lost_ = true;
  if (phase_ == Phase::kEnding) return unwritten(error);
  end(fail(error));
}

}  // namespace mnp::node
