#include "comms/carrier.hpp"

#include "mnp/core/log.hpp"

namespace mnp::comms {

Status Carrier::send(model::NodePayload payload) {
  const auto to = wiring_.world.rank_of(payload.node);
  if (!to) {
    log::warning("a message for node {}, which is not in this MPI world, goes nowhere",
                 payload.node.value());
    return {};
  }
  const World& world = wiring_.world;
  if (*to == world.rank() || (!world.is_main() && *to != kMainRank))
    return fail(Code::kProtocol, fmt::format("the agent of node {} may not send to node {}",
                                             world.node().value(), payload.node.value()));
  wiring_.send_and_ring(*to, Channel::kMessages,
                        std::make_shared<const std::string>(std::move(payload.bytes)));
  return {};
}

bool Carrier::full() const {
  return wiring_.transport.sending(Channel::kMessages) >= kMaxSending ||
         wiring_.transport.sending_bytes(Channel::kMessages) >= kMaxSendingBytes;
}

bool Carrier::deliver() {
  bool any = false;
  while (wiring_.agent.queued() < kMaxQueuedBytes) {
    auto arrived = inbox_.next();
    if (!arrived) return any;
    any = true;
    wiring_.agent.send(model::RankFrame::kSend,
                       model::encode(model::NodePayload{wiring_.world.node_of(arrived->from),
                                                        std::move(arrived->bytes)}));
  }
  return any;
}

}  // namespace mnp::comms
