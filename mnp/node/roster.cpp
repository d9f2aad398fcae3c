#include "mnp/node/roster.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "mnp/core/log.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/environment.hpp"

namespace mnp::node {
namespace {

constexpr Milliseconds kRefusalLimit{2000};  // for a refused node to read why
constexpr Milliseconds kReadFirst{20};       // what has arrived is read before a node is judged

}  // namespace

Roster::Roster(Loop& loop, const Context& context, const JoinKey& key, std::string welcome_plan,
               Callbacks callbacks)
    : loop_(loop),
      context_(context),
      key_(key),
      welcome_plan_(std::move(welcome_plan)),
      callbacks_(std::move(callbacks)),
      nodes_(context.me.nodes) {
  silence_timer_ = loop_.every(context.spec().beat, [this] { look_for_silent(); });
}

Roster::~Roster() {
  loop_.cancel(silence_timer_);
}

Status Roster::listen() {
  ChannelServer::Callbacks callbacks;
  callbacks.find_key = [this](const PeerIdentity& identity) -> std::optional<JoinKey> {
    if (identity.job != context_.me.job || identity.attempt != context_.me.attempt ||
        identity.key_number != 0)  // one key an attempt
      return std::nullopt;
    return key_;
  };
  callbacks.on_joined = [this](const PeerIdentity& identity, std::unique_ptr<Channel> channel) {
    take_joining(identity, std::move(channel));
  };
  const std::string address = context_.me.own_address.empty() ? "0.0.0.0" : context_.me.own_address;
  auto server = ChannelServer::listen(loop_, address, static_cast<uint16_t>(context_.me.port),
                                      std::move(callbacks));
  if (!server)
    return fail(server.error().within(
        fmt::format("children cannot join ({} chooses another port)", model::kPort)));
  server_ = std::move(*server);
  return {};
}

void Roster::set_main(const Join& machine, uint32_t slots, bool ready) {
  RosterNode& main = nodes_[context_.me.index.value()];
  main.incarnation = context_.incarnation;
  main.machine = machine;
  main.slots = slots;
  main.state = ready ? NodeState::kReady : NodeState::kJoined;
  callbacks_.changed(context_.me.index);
}

void Roster::set_main_address(const std::string& address) {
  nodes_[context_.me.index.value()].machine.address = address;
}

// ---- joining

std::string Roster::why_not(const PeerIdentity& identity) const {
  if (identity.node.value() >= nodes_.size())
    return fmt::format("this job has {} nodes; there is no node {}", nodes_.size(),
                       identity.node.value());
  if (identity.node == context_.me.index) return "that is main's own index";
  const RosterNode& node = at(identity.node);
  if (identity.incarnation <= node.incarnation)
    return fmt::format("node {} has joined already as incarnation {}", identity.node.value(),
                       node.incarnation.value());
  return ending_ ? "the stage is over" : "";
}

void Roster::refuse(std::unique_ptr<Channel> channel, const std::string& why) {
  log::warning("refused {}: {}", channel->peer(), why);
  Channel* const key = channel.get();
  channel->start([](const Frame&) {},
                 [this, key](const Error&) { loop_.post([this, key] { refused_.erase(key); }); });
  channel->send(static_cast<uint8_t>(Control::kRefused), why);
  channel->finish(kRefusalLimit);
  refused_.emplace(key, std::move(channel));
}

void Roster::take_joining(const PeerIdentity& identity, std::unique_ptr<Channel> channel) {
  if (const std::string why = why_not(identity); !why.empty())
    return refuse(std::move(channel), why);
  const NodeIndex index = identity.node;
  RosterNode& node = nodes_[index.value()];
  // The keeper has ended everything of the lower incarnation before it started this one.
  if (node.channel || node.state == NodeState::kReady || node.state == NodeState::kJoined)
    lose(index, "its agent was started again", Clock::now(), false);
  node.state = NodeState::kJoined;
  node.incarnation = identity.incarnation;
  node.last_beat = Clock::now();
  node.beat.reset();
  node.channel = std::move(channel);
  // An earlier incarnation's channel may have something to say in this turn of the loop still.
  const auto current = [this, index, incarnation = identity.incarnation] {
    return at(index).incarnation == incarnation;
  };
  node.channel->start(
      [this, index, current](const Frame& frame) {
        if (current()) on_frame(index, frame);
      },
      [this, index, current](const Error& error) {
        if (current()) on_closed(index, error);
      });
}

void Roster::on_join(NodeIndex index, const std::string& payload) {
  auto join = decode_join(payload);
  if (!join) return give_up(index, join.error().text);
  nodes_[index.value()].machine = std::move(*join);
  Welcome welcome;
  welcome.plan = welcome_plan_;
  welcome.owner = context_.owner;
  welcome.lease_ms = static_cast<uint32_t>(context_.spec().lease.count());
  welcome.beat_ms = static_cast<uint32_t>(context_.spec().beat.count());
  send(index, Control::kWelcome, encode(welcome));
  callbacks_.changed(index);
}

void Roster::on_ready(NodeIndex index, const std::string& payload) {
  const auto ready = decode_ready(payload);
  if (!ready) return give_up(index, ready.error().text);
  RosterNode& node = nodes_[index.value()];
  node.slots = ready->slots;
  node.state = ready->error.empty() ? NodeState::kReady : NodeState::kUnfit;
  node.reason = ready->error;
  node.code = static_cast<Code>(std::min<uint32_t>(ready->code, static_cast<uint32_t>(Code::kBug)));
  callbacks_.changed(index);
}

// ---- while it lives

void Roster::on_frame(NodeIndex index, const Frame& frame) {
  RosterNode& node = nodes_[index.value()];
  if (!node.channel) return;  // it has just been lost
  switch (static_cast<Control>(frame.type)) {
    case Control::kJoin:
      return on_join(index, frame.payload);
    case Control::kReady:
      return on_ready(index, frame.payload);
    case Control::kBeat:
      node.beat = frame.payload;
      return acknowledge(index);
    case Control::kGoodbye:
      callbacks_.said(index, Control::kGoodbye, frame.payload);
      return lose(index, frame.payload, Clock::now(), true);
    default:
      callbacks_.said(index, static_cast<Control>(frame.type), frame.payload);
  }
}

void Roster::acknowledge(NodeIndex index) {
  RosterNode& node = nodes_[index.value()];
  if (!node.beat || !callbacks_.may_acknowledge()) return;
  node.last_beat = Clock::now();
  send(index, Control::kBeatAck, *std::exchange(node.beat, std::nullopt));
}

void Roster::acknowledge_all() {
  for (uint32_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].channel) acknowledge(NodeIndex(i));
}

void Roster::on_closed(NodeIndex index, const Error& error) {
  const std::string reason = error.code == Code::kClosed ? "its connection closed" : error.text;
  lose(index, reason, at(index).last_beat + context_.spec().lease + kLeaseMargin, false);
}

void Roster::give_up(NodeIndex index, const std::string& reason) {
  lose(index, reason, at(index).last_beat + context_.spec().lease + kLeaseMargin, false);
}

void Roster::lose(NodeIndex index, std::string reason, TimePoint deal_again_at, bool orderly) {
  RosterNode& node = nodes_[index.value()];
  if (node.state == NodeState::kLost || node.state == NodeState::kLeft) return;
  const bool was_in = node.state != NodeState::kMissing;
  // Not from its own callback: the channel outlives this turn of the loop. An orderly node stays
  // connected until it has heard the stage's status.
  if (!orderly && node.channel)
    loop_.post([channel = std::shared_ptr<Channel>(std::move(node.channel))] { channel->close(); });
  node.state = orderly ? NodeState::kLeft : NodeState::kLost;
  node.reason = std::move(reason);
  if (!orderly && !ending_) log::warning("node {} is lost: {}", index.value(), node.reason);
  if (was_in) callbacks_.lost(index, deal_again_at, orderly);
}

/// A main that has stalled finds old beats waiting: they are read first.
void Roster::look_for_silent() {
  const TimePoint limit = Clock::now() - context_.spec().lease;
  for (const RosterNode& node : nodes_)
    if (node.channel && node.last_beat < limit) {
      loop_.after(kReadFirst, [this] { judge_silent(); });
      return;
    }
}

void Roster::judge_silent() {
  const TimePoint now = Clock::now();
  const Milliseconds lease = context_.spec().lease;
  for (uint32_t i = 0; i < nodes_.size(); ++i) {
    const RosterNode& node = nodes_[i];
    if (!node.channel || node.last_beat >= now - lease) continue;
    if (node.state == NodeState::kLeft) continue;
    lose(NodeIndex(i),
         fmt::format("silent for {}",
                     format_duration(std::chrono::duration<double>(now - node.last_beat).count())),
         node.last_beat + lease + kLeaseMargin, false);
  }
}

std::chrono::duration<double> Roster::may_run_for(bool of_ready) const {
  TimePoint last = Clock::now();
  const TimePoint now = last;
  for (uint32_t i = 0; i < nodes_.size(); ++i) {
    const RosterNode& node = nodes_[i];
    const bool ready = of_ready && node.state == NodeState::kReady;
    if (NodeIndex(i) == context_.me.index || !(ready || node.state == NodeState::kLost)) continue;
    last = std::max(last, node.last_beat + context_.spec().lease + kLeaseMargin);
  }
  return last - now;
}

// ---- telling and asking

void Roster::send(NodeIndex index, Control what, std::string_view payload) {
  if (const auto& channel = nodes_[index.value()].channel)
    channel->send(static_cast<uint8_t>(what), payload);
}

void Roster::send_all(Control what, std::string_view payload) {
  for (uint32_t i = 0; i < nodes_.size(); ++i) send(NodeIndex(i), what, payload);
}

void Roster::note_epoch(NodeIndex node, EpochNumber epoch) {
  nodes_[node.value()].epochs.push_back(epoch);
}

std::vector<NodeIndex> Roster::ready() const {
  std::vector<NodeIndex> list;
  if (at(context_.me.index).state == NodeState::kReady) list.push_back(context_.me.index);
  for (uint32_t i = 0; i < nodes_.size(); ++i)
    if (NodeIndex(i) != context_.me.index && nodes_[i].state == NodeState::kReady)
      list.push_back(NodeIndex(i));
  return list;
}

size_t Roster::count(NodeState state) const {
  return static_cast<size_t>(std::count_if(nodes_.begin(), nodes_.end(),
                                           [&](const RosterNode& n) { return n.state == state; }));
}

size_t Roster::count_bad() const {
  return static_cast<size_t>(std::count_if(nodes_.begin(), nodes_.end(), [](const RosterNode& n) {
    return n.state == NodeState::kReady && !n.bad.empty();
  }));
}

size_t Roster::connected() const {
  return static_cast<size_t>(std::count_if(nodes_.begin(), nodes_.end(), [](const RosterNode& n) {
    return n.channel && n.channel->open();
  }));
}

std::optional<NodeIndex> Roster::find_address(const std::string& address) const {
  for (uint32_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].machine.address == address) return NodeIndex(i);
  return std::nullopt;
}

}  // namespace mnp::node
