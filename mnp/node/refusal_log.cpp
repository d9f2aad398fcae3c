#include "mnp/node/refusal_log.hpp"

#include "mnp/core/log.hpp"

namespace mnp::node {

std::string_view to_text(Refusal why) {
  switch (why) {
    case Refusal::kHandshake:
      return "no proper handshake";
    case Refusal::kIdentity:
      return "malformed identity";
    case Refusal::kKey:
      return "unknown identity or wrong key";
    case Refusal::kTooSlow:
      return "handshake took too long";
    case Refusal::kTooLong:
      return "too many bytes before the proof of the key";
    case Refusal::kClosed:
      return "closed in the handshake";
    case Refusal::kCrowded:
      return "too many unproved connections";
    case Refusal::kDescriptors:
      return "no file descriptor is left";
  }
  return "?";
}

void RefusalLog::say(Refusal why, Reason& reason) {
  log::warning("join port: refused {} connection(s): {}; the last from {}",
               reason.count - reason.said, to_text(why), reason.last_peer);
  reason.said = reason.count;
}

void RefusalLog::add(Refusal why, std::string_view peer, TimePoint now) {
  Reason& reason = reasons_[static_cast<size_t>(why)];
  ++reason.count;
  reason.last_peer = peer;
  if (reason.said > 0 && now - reason.last_said < kQuiet) return;
  reason.last_said = now;
  say(why, reason);
}

RefusalLog::~RefusalLog() {
  for (size_t i = 0; i < kRefusals; ++i)
    if (reasons_[i].count > reasons_[i].said) say(static_cast<Refusal>(i), reasons_[i]);
}

}  // namespace mnp::node
