// The end of a child: drained, told by main, or on its own.
#include "mnp/core/log.hpp"
#include "mnp/node/child_node.hpp"
#include "mnp/node/input_broadcast.hpp"
#include "mnp/node/inputs.hpp"

namespace mnp::node {
namespace {

constexpr Milliseconds kWaitForEnd{7000};  // for main's last word after the goodbye
constexpr Milliseconds kLastBytes{1000};   // for the channel to carry the goodbye

}  // namespace

/// A broadcast input has arrived; one that is here already is not touched, commands may read it.
void ChildNode::take_input(const model::CollectiveDone& done) {
  if (!done.error.empty()) return;  // main knows it too, and decides
  const auto arrival = arrival_of(context_.spec(), done.id);
  if (!arrival) return log::error("broadcast {} is of no input", done.id);
  const fs::path received = context_.scratch.received() / arrival->folder;
  const fs::path link = context_.scratch.inputs() / arrival->input;
  std::error_code error;
  if (!fs::exists(fs::symlink_status(link, error))) {
    const Status put = link_broadcast(context_.scratch.inputs(), arrival->input, received);
    if (!put) return leave(code_info(put.error().code).exit_status, put.error().text);
  } else {
    errands_.add(received.string(), [received] {
      if (auto removed = remove_tree(received); !removed) log::warning("{}", removed.error().text);
    });
  }
  say(Control::kInputHeld, encode_u64(done.id));
}

void ChildNode::stop(const std::string& why) {
  if (!channel_) return leave(code_info(Code::kStopped).exit_status, why);
  log::info("{}", why);
  drain();
}

void ChildNode::drain() {
  // Worlds end with a drain: what is still unkept goes over the channel. Main's own drain asks for
  // it again: an answer to what was said before may have been lost with a world.
  const bool again = std::exchange(drains_, true);
  if (auto records = worker_->unkept(); !records.empty()) say_stored(std::move(records));
  if (again) return;
  worker_->drain(kGrace, kFlush, [this](const Drained& drained) {
    if (!drained.stored) log::error("{}", drained.stored.error().text);
    // A goodbye would say that nothing of this node runs any more.
    if (!drained.idle) return leave(std::nullopt, "commands could not be ended");
    drained_ = true;
    if (leaving_) return say_goodbye_and_leave();
    goodbye_if_kept();
    timers_.push_back(loop_.after(kWaitForEnd, [this] {
      leave(code_info(Code::kStopped).exit_status, "main says no last word");
    }));
  });
}

void ChildNode::goodbye_if_kept() {
  if (!drains_ || !drained_ || !worker_->unkept().empty()) return;
  say(Control::kGoodbye, "drained");
}

void ChildNode::end(const std::string& payload) {
  const auto end = decode_end(payload);
  if (!end) return leave(code_info(Code::kProtocol).exit_status, end.error().text);
  if (leaving_) return;
  leaving_ = true;
  status_ = end->status;
  if (!end->text.empty())
    log::info("the stage has ended with status {}: {}", end->status, end->text);
  if (drained_) return leave(status_, "");
  if (drains_) return;  // its end leaves
  worker_->drain(Milliseconds(0), kFlush, [this](const Drained& drained) {
    if (!drained.stored) log::error("{}", drained.stored.error().text);
    say_goodbye_and_leave();
  });
}

void ChildNode::say_goodbye_and_leave() {
  say(Control::kGoodbye, "the stage has ended");
  leave(status_, "");
}

void ChildNode::leave(std::optional<int> status, const std::string& why) {
  if (!why.empty()) log::warning("{}", why);
  leaving_ = true;
  status_ = status;
  if (status_) keeper_.finished(*status_);
  if (!channel_ || !status) return loop_.stop();
  channel_->finish(kLastBytes);
  timers_.push_back(loop_.every(Milliseconds(2), [this] {
    if (!channel_->open()) loop_.stop();
  }));
}

}  // namespace mnp::node
