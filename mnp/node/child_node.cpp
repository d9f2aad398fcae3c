#include "mnp/node/child_node.hpp"

#include <unistd.h>

#include <utility>

#include <fmt/format.h>

#include "mnp/core/log.hpp"
#include "mnp/node/network.hpp"

namespace mnp::node {
namespace {

constexpr Milliseconds kSeekLimit{900000};   // for finding main at all
constexpr Milliseconds kConnectLimit{5000};  // of one try
constexpr Milliseconds kRetry{200};
constexpr Milliseconds kRankMargin{5000};  // main's own limit comes first

}  // namespace

ChildNode::ChildNode(Loop& loop, Context& context, Machine machine,
                     std::shared_ptr<cpu::Orphans> orphans, KeeperLink& keeper,
                     Milliseconds taken_in)
    : loop_(loop),
      context_(context),
      machine_(std::move(machine)),
      orphans_(std::move(orphans)),
      keeper_(keeper),
      taken_in_(taken_in),
      lease_clock_(context.me.lease_clock()) {}

ChildNode::~ChildNode() {
  for (const Loop::TimerId timer : timers_) loop_.cancel(timer);
  if (lease_timer_) loop_.cancel(*lease_timer_);
  if (rank_timer_) loop_.cancel(*rank_timer_);
  if (worker_) worker_->close();  // its threads call the others
}

Status ChildNode::open() {
  address_ = context_.me.own_address;
  if (address_.empty()) {
    MNP_TRY(address_, address_towards(context_.me.main_address));
  }
  context_.me.own_address = address_;
  if (const auto kept = keeper_.kept_key()) {
    MNP_TRY(key_, JoinKey::parse(*kept));
  }
  Worker::Callbacks callbacks;
  callbacks.ran = [this](const model::Ran& ran) {
    note_ran(ran);
    if (!drains_) worker_->rank_send(context_.me.main_index, ran);
  };
  callbacks.stored = [this](std::vector<model::Record> records) { say_stored(std::move(records)); };
  callbacks.failed = [this](const Error& error) {
    log::error("{}", error.text);
    drain();
  };
  callbacks.rank_up = [this](const model::RankHello&) { rank_up(); };
  callbacks.rank_down = [this] {
    say(Control::kRankGone, encode_u32(worker_->epoch().epoch.value()));
  };
  callbacks.rank_message = [this](NodeIndex, model::Message message) {
    take_message(std::move(message));
  };
  callbacks.ring = [this](NodeIndex node) { say(Control::kBell, encode_u32(node.value())); };
  callbacks.broadcast_done = [this](const model::CollectiveDone& done) { take_input(done); };
  callbacks.reduce_done = [](const model::CollectiveDone&) {};  // main's own rank tells main
  callbacks.spawn = [](const std::shared_ptr<LocalPeer>& peer, const SpawnRequest&) {
    peer->send(static_cast<uint8_t>(SpawnFrame::kRefused), "only main starts daemons");
  };
  MNP_TRY(worker_, Worker::create(loop_, context_, machine_, orphans_, std::move(callbacks)));
  daemons_ = std::make_unique<DaemonHost>(loop_, *worker_);
  return {};
}

// ---- joining

void ChildNode::start() {
  give_up_at_ = Clock::now() + kSeekLimit;
  look_for_key();
}

void ChildNode::look_for_key() {
  if (key_) return connect();
  errands_.add("key", [this, store = context_.store, place = context_.attempt().join_key()] {
    auto text = store->get(place);
    loop_.post([this, text = std::move(text)] { take_key(text); });
  });
}

void ChildNode::take_key(const Result<std::string>& text) {
  if (leaving_) return;
  auto key = text ? JoinKey::parse(*text) : Result<JoinKey>(fail(text.error()));
  if (!key) return try_again(key.error().within("the join key"));
  key_ = *key;
  keeper_.keep_key(key_->text());
  connect();
}

void ChildNode::try_again(const Error& error) {
  if (error.code == Code::kDenied && !std::exchange(said_denied_, true))
    log::warning("main does not take this node's join key: {}; trying again", error.text);
  log::debug("{}", error.text);
  if (leaving_) return;
  if (Clock::now() > give_up_at_)
    return leave(code_info(Code::kJoinTimeout).exit_status,
                 fmt::format("main ({}) was not found: {}", context_.me.main_address, error.text));
  timers_.push_back(loop_.after(kRetry, [this] { look_for_key(); }));
}

void ChildNode::connect() {
  ConnectTarget target;
  target.host = context_.me.main_address;
  target.port = static_cast<uint16_t>(context_.me.port);
  target.local = address_;
  PeerIdentity identity;
  identity.job = context_.me.job;
  identity.attempt = context_.me.attempt;
  identity.node = context_.me.index;
  identity.incarnation = context_.incarnation;
  attempt_ = connect_channel(
      loop_, target, identity, *key_, Clock::now() + kConnectLimit,
      [this](Result<std::unique_ptr<Channel>> channel) { connected(std::move(channel)); });
}

void ChildNode::connected(Result<std::unique_ptr<Channel>> channel) {
  if (!channel) return try_again(channel.error());
  channel_ = std::move(*channel);
  channel_->start([this](const Frame& frame) { heard(frame); },
                  [this](const Error& error) {
                    if (!leaving_) leave(std::nullopt, "main is gone: " + error.text);
                  });
  say(Control::kJoin, encode(describe_machine(machine_, address_)));
  timers_.push_back(loop_.after(taken_in_, [this] {
    if (!deadline_ && !leaving_) leave(std::nullopt, "main says nothing");
  }));
}

void ChildNode::welcome(const std::string& payload) {
  if (drains_ || leaving_) return;
  const auto welcome = decode_welcome(payload);
  auto plan =
      welcome ? model::plan_from_json(welcome->plan) : Result<model::Plan>(fail(welcome.error()));
  if (!plan || plan->find(context_.stage_name) == nullptr)
    return leave(code_info(Code::kProtocol).exit_status,
                 "main's welcome makes no sense: " + (plan ? "no such stage" : plan.error().text));
  context_.plan = std::move(*plan);
  context_.owner = welcome->owner;
  lease_ = Milliseconds(welcome->lease_ms);
  timers_.push_back(loop_.every(Milliseconds(welcome->beat_ms), [this] { beat(); }));
  beat();
  if (auto prepares = worker_->prepare([this](const Result<uint32_t>& slots) { prepared(slots); });
      !prepares)
    prepared(fail(prepares.error()));
}

void ChildNode::prepared(const Result<uint32_t>& slots) {
  Ready ready;
  if (slots) {
    ready.slots = *slots;
  } else {
    log::error("{}", slots.error().text);
    ready.error = slots.error().text;
    ready.code = static_cast<uint32_t>(slots.error().code);
  }
  if (!drains_) say(Control::kReady, encode(ready));
}

// ---- the lease

void ChildNode::beat() {
  const LeaseTime now = lease_clock_.now();
  if (deadline_ && now > *deadline_) return lease_ended();
  say(Control::kBeat, encode_u64(static_cast<uint64_t>(now.time_since_epoch().count())));
}

/// The lease runs from when the beat was sent.
void ChildNode::beat_acknowledged(const std::string& payload) {
  const auto sent = decode_u64(payload);
  if (!sent) return;
  deadline_ = LeaseTime(nanoseconds(static_cast<int64_t>(*sent))) + lease_;
  keeper_.set_deadline(*deadline_);
  watch_lease();
}

/// Two beats may be far apart, and the keeper may be frozen.
void ChildNode::watch_lease() {
  if (lease_timer_) loop_.cancel(*lease_timer_);
  const auto left = std::chrono::ceil<Milliseconds>(*deadline_ - lease_clock_.now());
  lease_timer_ = loop_.after(std::max(left, Milliseconds(0)) + Milliseconds(1), [this] {
    lease_timer_.reset();
    if (lease_clock_.now() > *deadline_)
      lease_ended();
    else
      watch_lease();
  });
}

void ChildNode::lease_ended() {
  if (leaving_) return;
  if (worker_) worker_->kill_commands();
  leave(std::nullopt, "the lease has ended");
}

// ---- serving

void ChildNode::heard(const Frame& frame) {
  switch (static_cast<Control>(frame.type)) {
    case Control::kWelcome:
      return welcome(frame.payload);
    case Control::kBeatAck:
      return beat_acknowledged(frame.payload);
    case Control::kPing:
      return say(Control::kPong, frame.payload);
    case Control::kBell:
      return worker_->ring_rank();
    case Control::kBeginEpoch:
      if (const auto epoch = decode_begin_epoch(frame.payload)) begin_epoch(*epoch);
      return;
    case Control::kEndEpoch:
      if (const auto epoch = decode_u32(frame.payload))
        worker_->end_epoch(EpochNumber(*epoch), [this, epoch = *epoch] {
          say(Control::kEpochEnded, encode_u32(epoch));
        });
      return;
    case Control::kSpawn:
      return spawn(frame.payload);
    case Control::kSpawnStop:
      if (const auto message = split_spawn_id(frame.payload)) daemons_->stop(message->id);
      return;
    case Control::kMessage:
      if (auto message = model::decode_message(frame.payload)) take_message(std::move(*message));
      return;
    case Control::kDrain:
      return drain();
    case Control::kEnd:
      return end(frame.payload);
    case Control::kRefused:
      return leave(code_info(Code::kConfig).exit_status,
                   "main refused this node: " + frame.payload);
    default:
      log::warning("main sent a frame of type {}", frame.type);
  }
}

/// Main's rank may be up, and deals go out, while this node's has stopped before its first word.
void ChildNode::begin_epoch(const BeginEpoch& epoch) {
  worker_->set_epoch(epoch);
  if (rank_timer_) loop_.cancel(*rank_timer_);
  rank_timer_ = loop_.after(Milliseconds(epoch.launch_ms) + kRankMargin, [this, epoch] {
    rank_timer_.reset();
    if (worker_->epoch().epoch == epoch.epoch && !worker_->has_rank())
      say(Control::kRankGone, encode_u32(epoch.epoch.value()));
  });
}

void ChildNode::spawn(const std::string& payload) {
  const auto message = split_spawn_id(payload);
  if (!message) return log::error("{}", message.error().text);
  const uint64_t id = message->id;
  const auto reply = [this, id](SpawnFrame type, std::string_view text) {
    if (channel_) channel_->send(static_cast<uint8_t>(type), with_spawn_id(id, text));
  };
  const auto request = decode_spawn_request(message->payload);
  if (!request) return reply(SpawnFrame::kRefused, request.error().text);
  daemons_->start(id, worker_->epoch().epoch, *request, reply);
}

/// What is unkept is said before what is held: main takes the difference for lost.
void ChildNode::rank_up() {
  if (drains_ || leaving_) return;
  if (auto started = worker_->start_slots(); !started)
    return leave(code_info(started.error().code).exit_status, started.error().text);
  const NodeIndex main = context_.me.main_index;
  for (const model::Stored& stored : model::split_stored(worker_->unkept()))
    worker_->rank_send(main, stored);
  worker_->rank_send(main, worker_->held());
}

void ChildNode::take_message(model::Message message) {
  if (auto* deal = std::get_if<model::Deal>(&message)) {
    if (drains_) return;
    note_suspect(*deal);
    worker_->deal(std::move(*deal));
  } else if (const auto* kept = std::get_if<model::Kept>(&message)) {
    worker_->kept(*kept);
    goodbye_if_kept();
  } else if (const auto* order = std::get_if<model::Collect>(&message)) {
    const model::ReduceOrder share{order->id, order->op, order->partials, ""};
    worker_->bring(share, [this, share](const model::CollectiveDone& held) {
      if (held.error.empty()) worker_->order_reduction(share);
      say(Control::kShareHeld, model::encode(held));
    });
  } else {
    log::error("main sent a message that only children send");
  }
}

/// Known to the keeper before the command can start.
void ChildNode::note_suspect(const model::Deal& deal) {
  suspect_.reset();
  if (deal.suspect && !deal.items.empty())
    suspect_ = StartId{deal.items.front().command, deal.items.front().start};
  keeper_.set_suspect(suspect_.has_value());
}

void ChildNode::note_ran(const model::Ran& ran) {
  for (const auto& item : ran.items)
    if (suspect_ == StartId{item.command, item.start}) {
      suspect_.reset();
      keeper_.set_suspect(false);
    }
}

void ChildNode::say_stored(std::vector<model::Record> records) {
  for (const model::Stored& stored : model::split_stored(std::move(records)))
    if (drains_)
      say(Control::kMessage, model::encode_message(stored));
    else
      worker_->rank_send(context_.me.main_index, stored);
}

void ChildNode::say(Control what, std::string_view payload) {
  if (channel_) channel_->send(static_cast<uint8_t>(what), payload);
}

}  // namespace mnp::node
