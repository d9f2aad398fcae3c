#include "comms/farewell.hpp"

#include <fmt/format.h>

namespace mnp::comms {
namespace {

const Bytes kQuitWord = std::make_shared<const std::string>("quit");
const Bytes kByeWord = std::make_shared<const std::string>("bye");

}  // namespace

void Farewell::begin(TimePoint now) {
  if (begun()) return;
  deadline_ = now + kDeadline;
  for (uint32_t rank = 1; rank < wiring_.world.size(); ++rank)
    wiring_.send_and_ring(Rank(static_cast<int32_t>(rank)), Channel::kControl, kQuitWord);
}

Status Farewell::take(const Arrived& arrived, TimePoint now) {
  if (arrived.bytes == *kQuitWord && arrived.from == kMainRank) {
    deadline_ = now + kDeadline;
    return {};
  }
  if (arrived.bytes == *kByeWord && wiring_.world.is_main()) {
    ++byes_;
    return {};
  }
  return fail(Code::kProtocol,
              fmt::format("an unknown control message from rank {}", arrived.from.value()));
}

Result<bool> Farewell::step(bool settled, TimePoint now) {
  bool moved = false;
  while (const auto arrived = inbox_.next()) {
    MNP_CHECK(take(*arrived, now));
    moved = true;
  }
  if (!begun()) return moved;
  if (settled && !wiring_.transport.sending_anything()) {
    if (wiring_.world.is_main()) {
      over_ = byes_ == wiring_.world.size() - 1;
    } else if (!said_bye_) {
      said_bye_ = moved = true;
      wiring_.send_and_ring(kMainRank, Channel::kControl, kByeWord);
    } else {
      over_ = true;  // main has taken the bye
    }
  }
  if (!over_ && now > *deadline_)
    return fail(Code::kTimeout, fmt::format("the ranks did not end in order within {} s",
                                            kDeadline.count() / 1000));
  return moved;
}

}  // namespace mnp::comms
