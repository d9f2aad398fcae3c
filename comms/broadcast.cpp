#include "comms/broadcast.hpp"

#include <fmt/format.h>

#include "comms/store_error.hpp"
#include "mnp/core/text.hpp"

namespace mnp::comms {
namespace {

using model::CollectiveDone;
using model::RankFrame;

enum class Word : uint8_t {
  kBegin = 1,     // down: u64 id, text name
  kBlock = 2,     // down: a block of tree_block.hpp
  kEnd = 3,       // down: all blocks have been sent
  kAbort = 4,     // down: CollectiveDone; main cannot read on
  kFinished = 5,  // up: CollectiveDone of a subtree
};

constexpr size_t kMaxConfirmation = size_t{64} << 10;  // bytes under way from a child

Bytes message(Word word, std::string_view content) {
  std::string bytes(1, static_cast<char>(word));
  bytes += content;
  return std::make_shared<const std::string>(std::move(bytes));
}

bool is_name_below(const std::string& name) {
  for (const std::string& part : split(name, '/'))
    if (part.empty() || part == "." || part == "..") return false;
  return name.find('\0') == std::string::npos;
}

}  // namespace

Broadcast::Broadcast(const Wiring& wiring, fs::path files)
    : wiring_(wiring), files_(std::move(files)), children_(wiring.world.children()) {
  if (const auto parent = wiring.world.parent())
    from_parent_.emplace(wiring.transport, Channel::kBroadcast, *parent, kMaxReceiving);
  for (const Rank child : children_)
    from_children_.emplace_back(wiring.transport, Channel::kBroadcast, child, kMaxConfirmation);
}

Status Broadcast::order(model::BroadcastOrder order) {
  if (!wiring_.world.is_main()) return fail(Code::kProtocol, "only main's agent orders broadcasts");
  if (orders_.size() >= kMaxOrders) return fail(Code::kProtocol, "too many broadcasts wait");
  if (!is_name_below(order.name))
    return fail(Code::kProtocol, fmt::format("a broadcast may not be named '{}'", order.name));
  orders_.push_back(std::move(order));
  return {};
}

Result<bool> Broadcast::step() {
  if (!running_ && !orders_.empty()) {
    begin_next();
    return true;
  }
  MNP_TRY(bool moved, step_down());
  MNP_TRY(const bool up, step_up());
  if (running_ && running_->reader && may_send()) {
    read_next();
    moved = true;
  }
  finish_if_done();
  return moved || up;
}

void Broadcast::begin(uint64_t id, std::string name) {
  running_.emplace(Running());  // clang 14 refuses emplace() of a nested struct with initialisers
  running_->id = running_->own.id = running_->below.id = id;
  running_->name = std::move(name);
}

void Broadcast::begin_next() {
  const model::BroadcastOrder order = std::move(orders_.front());
  orders_.pop_front();
  begin(order.id, order.name);
  auto reader = wiring_.with_files([&] { return TreeReader::open(order.source); });
  if (!reader) {  // nobody else has heard of it yet, nor needs to
    failed(of_store(reader.error()));
    running_->sent_all = true;
    running_->confirmed = children_.size();
    return;
  }
  running_->reader = std::move(*reader);
  hand_on(message(Word::kBegin, Encoder().u64(order.id).text(order.name).take()), true);
}

void Broadcast::read_next() {
  auto block = wiring_.with_files([&] { return running_->reader->next(); });
  if (!block) {
    failed(of_store(block.error()));
    hand_on(message(Word::kAbort, model::encode(running_->own)), false);
  } else if (!block->empty()) {
    hand_on(message(Word::kBlock, *block), false);
    return;
  } else {
    hand_on(message(Word::kEnd, ""), false);
  }
  running_->reader.reset();
  running_->sent_all = true;
}

Result<bool> Broadcast::step_down() {
  if (!from_parent_ || !may_send()) return false;
  auto arrived = from_parent_->next();
  if (!arrived) return false;
  const auto shared = std::make_shared<const std::string>(std::move(arrived->bytes));
  const bool begins = !shared->empty() && (*shared)[0] == static_cast<char>(Word::kBegin);
  hand_on(shared, begins);
  MNP_CHECK(take_down(*shared));
  return true;
}

Status Broadcast::take_down(std::string_view bytes) {
  const Pulse::Files waits(wiring_.pulse);  // nothing here waits for anything else
  Decoder in(bytes);
  const auto word = static_cast<Word>(in.u8());
  const std::string_view content = bytes.substr(std::min<size_t>(1, bytes.size()));
  if ((word == Word::kBegin) == running_.has_value())
    return fail(Code::kProtocol, "a broadcast message out of order");
  if (word == Word::kBegin) {
    const uint64_t id = in.u64();
    std::string name = in.text();
    MNP_CHECK(in.finish("the start of a broadcast"));
    begin(id, std::move(name));
    auto writer = TreeWriter::create(files_ / running_->name);
    if (!writer) {
      failed(writer.error());
    } else {
      running_->writer.emplace(std::move(*writer));
    }
    return {};
  }
  Status done;
  if (word == Word::kAbort) {
    MNP_TRY(running_->own, model::decode_collective_done(content));
    running_->writer.reset();
  } else if (running_->writer) {
    done = word == Word::kBlock ? running_->writer->take(content) : running_->writer->commit();
  }
  if (!done) failed(done.error());
  running_->sent_all = word == Word::kEnd || word == Word::kAbort;
  return {};
}

void Broadcast::failed(const Error& error) {
  const Error shown = error.within(fmt::format("broadcast: node {}", wiring_.world.node().value()));
  running_->own = {running_->id, shown.text, static_cast<uint32_t>(shown.code)};
  running_->writer.reset();
}

Result<bool> Broadcast::step_up() {
  bool moved = false;
  for (Inbox& inbox : from_children_) {
    const auto arrived = inbox.next();
    if (!arrived) continue;
    const std::string_view bytes = arrived->bytes;
    if (!running_ || bytes.empty() || bytes[0] != static_cast<char>(Word::kFinished))
      return fail(Code::kProtocol, "a broadcast's end out of order");
    MNP_TRY(CollectiveDone done, model::decode_collective_done(bytes.substr(1)));
    if (running_->below.error.empty()) running_->below = std::move(done);
    running_->confirmed += 1;
    moved = true;
  }
  return moved;
}

void Broadcast::finish_if_done() {
  if (!running_ || !running_->sent_all || running_->confirmed < children_.size()) return;
  const CollectiveDone all = running_->own.error.empty() ? running_->below : running_->own;
  const bool main = wiring_.world.is_main();
  wiring_.agent.send(RankFrame::kBroadcastDone, model::encode(main ? all : running_->own));
  if (!main)
    wiring_.send_and_ring(*wiring_.world.parent(), Channel::kBroadcast,
                          message(Word::kFinished, model::encode(all)));
  running_.reset();
}

void Broadcast::hand_on(const Bytes& message, bool ring) {
  for (const Rank child : children_) {
    wiring_.transport.send(child, Channel::kBroadcast, message);
    if (ring) wiring_.ringer.ring(child, Clock::now());
  }
}

}  // namespace mnp::comms
