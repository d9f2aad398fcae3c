#include "comms/session.hpp"

#include <fmt/format.h>

#include "mnp/core/log.hpp"

namespace mnp::comms {

using model::RankFrame;

Session::Session(Transport& transport, const World& world, AgentLink& agent, const fs::path& files)
    : agent_(agent),
      transport_(transport),
      ringer_(transport, world, agent),
      pulse_(agent),
      wiring_{transport, world, agent, ringer_, pulse_},
      carrier_(wiring_),
      broadcast_(wiring_, files),
      reduce_(wiring_) {}

Error Session::run() {
  for (;;)
    if (const auto turned = turn(); !turned) return turned.error();
}

Status Session::turn() {
  const TimePoint now = Clock::now();
  MNP_TRY(const bool moved, step(now));
  return rest(moved, now);
}

Result<bool> Session::step(TimePoint now) {
  pulse_.turned();
  MNP_TRY(bool moved, transport_.progress());
  if (reads_agent()) {
    MNP_TRY(const bool read, read_agent(now));
    moved |= read;
  }
  moved |= carrier_.deliver();
  MNP_TRY(const bool broadcasting, broadcast_.step());
  MNP_TRY(const bool reducing, reduce_.step(now));
  MNP_CHECK(agent_.flush());
  ringer_.ring_again(now);
  return moved || broadcasting || reducing;
}

Result<bool> Session::read_agent(TimePoint now) {
  for (size_t i = 0; i < kFramesATurn; ++i) {
    if (!reads_agent()) return true;
    MNP_TRY(const auto frame, agent_.next());
    if (!frame) return i > 0;
    MNP_CHECK(take(*frame, now));
  }
  return true;
}

Status Session::take(const Frame& frame, TimePoint now) {
  switch (static_cast<RankFrame>(frame.type)) {
    case RankFrame::kSend: {
      MNP_TRY(auto payload, model::decode_node_payload(frame.payload));
      return carrier_.send(std::move(payload));
    }
    case RankFrame::kBroadcast: {
      MNP_TRY(auto order, model::decode_broadcast_order(frame.payload));
      return broadcast_.order(std::move(order));
    }
    case RankFrame::kReduce: {
      MNP_TRY(auto order, model::decode_reduce_order(frame.payload));
      return reduce_.order(std::move(order));
    }
    case RankFrame::kBell:
      idle_.wake(now);
      return {};
    default:
      break;
  }
  return fail(
      Code::kProtocol,
      fmt::format("the agent sent a frame of type {}, which a rank does not take", frame.type));
}

bool Session::expecting() const {
  return transport_.sending_anything() || carrier_.receiving() || broadcast_.active() ||
         reduce_.active();
}

Status Session::rest(bool moved, TimePoint now) {
  if (moved) idle_.wake(now);
  const auto pause = moved ? Microseconds(0) : idle_.pause(expecting(), now);
  const bool alive = wait_for_agent(agent_.fd(), reads_agent(), agent_.queued() > 0, pause);
  if (!alive && !reads_agent()) return fail(Code::kClosed, "the agent is gone");
  return {};
}

namespace {

/// Never ok.
Status run(const RankEnvironment& environment) {
  MNP_TRY(const auto transport, Transport::begin());
  MNP_TRY(const auto nodes, transport->exchange(environment.node.value()));
  MNP_TRY(const World world, World::create(transport->rank(), nodes));
  MNP_TRY(AgentLink agent, AgentLink::connect(environment.agent_socket));
  agent.send(RankFrame::kHello, model::encode(model::RankHello{environment.epoch, world.node(),
                                                               world.rank(), world.size()}));
  return fail(Session(*transport, world, agent, environment.files).run());
}

}  // namespace

Error run_rank(const RankEnvironment& environment) {
  return run(environment).error();
}

}  // namespace mnp::comms
