#include "comms/inbox.hpp"

namespace mnp::comms {

void Inbox::look() {
  while (under_way_.size() < kMaxMessages && bytes_ < limit_) {
    auto receiving = transport_->probe(channel_, from_);
    if (!receiving) return;
    bytes_ += Transport::size_of(*receiving);
    under_way_.push_back(std::move(receiving));
  }
}

std::optional<Arrived> Inbox::next() {
  look();
  if (under_way_.empty() || !transport_->complete(*under_way_.front())) return std::nullopt;
  const auto first = std::move(under_way_.front());
  under_way_.pop_front();
  bytes_ -= Transport::size_of(*first);
  return Arrived{Transport::source(*first), Transport::take(*first)};
}

}  // namespace mnp::comms
