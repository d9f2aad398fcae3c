#include "comms/reduce.hpp"

#include <fmt/format.h>

namespace mnp::comms {
namespace {

using model::CollectiveDone;
using model::RankFrame;
using model::ReduceOp;

/// Each message: u8 word, u64 serial of the reduction, then what stands here.
enum class Word : uint8_t {
  kStart = 1,  // down: u64 id, u8 op
  kShape = 2,  // up: u8 1 and the shape of the subtree's arrays, or u8 0
  kFail = 3,   // up, instead of a shape or block: CollectiveDone; nothing follows
  kGo = 4,     // down: shapes agree, send blocks
  kBlock = 5,  // up: accumulators
  kDone = 6,   // down: CollectiveDone
};

constexpr size_t kHeader = sizeof(uint8_t) + sizeof(uint64_t);
constexpr size_t kMaxReceiving = size_t{1}
                                 << 20;  // from a neighbour: one block at a time is under way

std::string message(Word word, uint64_t serial, std::string_view content = {}) {
  std::string bytes = Encoder().u8(static_cast<uint8_t>(word)).u64(serial).take();
  bytes.append(content);
  return bytes;
}

std::string done_bytes(uint64_t id, const Error& error) {
  return model::encode(CollectiveDone{id, error.text, static_cast<uint32_t>(error.code)});
}

Result<Error> decode_error(std::string_view bytes) {
  MNP_TRY(CollectiveDone done, model::decode_collective_done(bytes));
  return Error{static_cast<Code>(done.code), std::move(done.error)};
}

}  // namespace

Reduce::Reduce(const Wiring& wiring)
    : wiring_(wiring), is_main_(wiring.world.is_main()), children_(wiring.world.children()) {
  if (const auto parent = wiring.world.parent())
    from_parent_.emplace(wiring.transport, Channel::kReduce, *parent, kMaxReceiving);
  for (const Rank child : children_)
    from_children_.emplace_back(wiring.transport, Channel::kReduce, child, kMaxReceiving);
}

Status Reduce::order(model::ReduceOrder order) {
  if (answered_.erase(order.id) > 0) return {};
  if (orders_.size() >= kMaxOrders) return fail(Code::kProtocol, "too many reductions wait");
  if (order.op > static_cast<uint8_t>(ReduceOp::kMax))
    return fail(Code::kProtocol, fmt::format("no reduction has the number {}", order.op));
  const uint64_t id = order.id;
  if (!orders_.emplace(id, std::move(order)).second)
    return fail(Code::kProtocol, fmt::format("reduction {} is ordered twice", id));
  if (is_main_) queue_.push_back(id);
  return {};
}

Result<bool> Reduce::step(TimePoint now) {
  bool moved = !running_ && !queue_.empty();
  if (moved) start_next(now);
  MNP_TRY(const bool down, step_down(now));
  MNP_TRY(const bool up, step_up());
  moved = moved || down || up;
  if (!running_) return moved;
  if (running_->phase == Phase::kShapes) {
    MNP_TRY(const bool shapes, step_shapes(now));
    return moved || shapes;
  }
  if (running_->phase == Phase::kBlocks) {
    MNP_TRY(const bool blocks, step_blocks());
    return moved || blocks;
  }
  if (running_->phase == Phase::kCommit) return step_commit() || moved;
  return moved;
}

void Reduce::start_next(TimePoint now) {
  const uint64_t id = queue_.front();
  queue_.pop_front();
  const auto op = orders_.at(id).op;
  begin(++last_serial_, id, static_cast<ReduceOp>(op), now);
  send_down(message(Word::kStart, last_serial_, Encoder().u64(id).u8(op).take()), true);
}

void Reduce::begin(uint64_t serial, uint64_t id, ReduceOp op, TimePoint now) {
  running_.emplace(Running());  // as in Broadcast::begin
  running_->serial = serial;
  running_->id = id;
  running_->op = op;
  running_->deadline = now + kOrderDeadline;
  running_->children.resize(children_.size());
}

Result<bool> Reduce::step_down(TimePoint now) {
  if (!from_parent_) return false;
  const auto arrived = from_parent_->next();
  if (!arrived) return false;
  MNP_CHECK(take_down(arrived->bytes, now));
  return true;
}

Status Reduce::take_down(const std::string& bytes, TimePoint now) {
  Decoder in(bytes);
  const auto word = static_cast<Word>(in.u8());
  const uint64_t serial = in.u64();
  if (word == Word::kStart && !running_) {
    const uint64_t id = in.u64();
    const uint8_t op = in.u8();
    MNP_CHECK(in.finish("the start of a reduction"));
    begin(serial, id, static_cast<ReduceOp>(op), now);
    send_down(bytes, true);
    return {};
  }
  if (!running_ || running_->serial != serial || bytes.size() < kHeader)
    return fail(Code::kProtocol, "a message of a reduction out of order");
  if (word == Word::kGo && running_->phase == Phase::kGo) {
    send_down(bytes, false);
    go();
    return {};
  }
  if (word != Word::kDone) return fail(Code::kProtocol, "a message of a reduction out of order");
  MNP_TRY(CollectiveDone done,
          model::decode_collective_done(std::string_view(bytes).substr(kHeader)));
  finish(done);
  return {};
}

Result<bool> Reduce::step_up() {
  bool moved = false;
  for (size_t child = 0; child < children_.size(); ++child) {
    if (running_ && running_->merge && !running_->merge->wants(child)) continue;
    const auto arrived = from_children_[child].next();
    if (!arrived) continue;
    MNP_CHECK(take_up(child, arrived->bytes));
    moved = true;
  }
  return moved;
}

Status Reduce::take_up(size_t child, const std::string& bytes) {
  Decoder in(bytes);
  const auto word = static_cast<Word>(in.u8());
  const uint64_t serial = in.u64();
  // Sent before its sender heard that this reduction had failed.
  if (!running_ || running_->serial != serial) return {};
  if (bytes.size() < kHeader) return fail(Code::kProtocol, "a cut message of a reduction");
  const std::string_view content = std::string_view(bytes).substr(kHeader);
  switch (word) {
    case Word::kShape:
      if (in.u8() != 0) running_->children[child].shape = decode_array_shape(in);
      running_->children[child].known = true;
      MNP_CHECK(in.finish("the shape of arrays"));
      if (const auto& shape = running_->children[child].shape;
          shape && shape->dtype > model::DType::kUint16)
        return fail(Code::kProtocol, "an unknown element type");
      return {};
    case Word::kFail: {
      MNP_TRY(Error error, decode_error(content));
      running_->children[child].known = true;
      if (!running_->problem) running_->problem = std::move(error);
      return {};
    }
    case Word::kBlock:
      if (!running_->merge) return {};  // given up here already
      return running_->merge->take(child, std::string(content));
    default:
      return fail(Code::kProtocol, "an unknown message of a reduction");
  }
}

void Reduce::problem(const Error& error) {
  if (!running_->problem)
    running_->problem = error.within(fmt::format("node {}", wiring_.world.node().value()));
}

/// True when something was done.
bool Reduce::check_own(TimePoint now) {
  Running& running = *running_;
  if (!running.own) {
    const auto order = orders_.find(running.id);
    if (order == orders_.end()) {
      if (now < running.deadline) return false;
      problem({Code::kTimeout, "its agent has not ordered this reduction"});
      running.checked = true;
      return true;
    }
    if (order->second.op != static_cast<uint8_t>(running.op))
      problem({Code::kProtocol, "its agent has ordered another operation"});
    running.own.emplace(wiring_.world.node(), std::move(order->second.files));
    running.target = std::move(order->second.target);
    orders_.erase(order);
  }
  const Pulse::Files waits(wiring_.pulse);
  const auto checked = running.own->check_some();
  if (!checked) problem(checked.error());
  running.checked = !checked || *checked;
  return true;
}

Result<bool> Reduce::step_shapes(TimePoint now) {
  const bool moved = !running_->checked && check_own(now);
  if (!running_->checked) return moved;
  for (const Child& child : running_->children)
    if (!child.known) return moved;
  shapes_known();
  return true;
}

void Reduce::shapes_known() {
  Running& running = *running_;
  if (running.own && !running.own->empty() && !running.problem)
    running.shape = running.own->shape();
  for (const Child& child : running.children) {
    if (!child.shape) continue;
    if (!running.shape) running.shape = child.shape;
    // The text names the nodes itself.
    if (const auto same = check_same(*running.shape, *child.shape); !same && !running.problem)
      running.problem = same.error();
  }
  if (is_main_ && !running.shape && !running.problem)
    running.problem = Error{Code::kConfig, "there is no file to reduce on any node"};
  if (running.problem) {
    give_up();
  } else if (is_main_) {
    auto writer =
        wiring_.with_files([&] { return ArrayWriter::create(running.target, *running.shape); });
    if (!writer) {
      problem(writer.error());
      give_up();
      return;
    }
    running.writer.emplace(std::move(*writer));
    send_down(message(Word::kGo, running.serial), false);
    go();
  } else {
    Encoder shape;
    shape.u8(running.shape ? 1 : 0);
    if (running.shape) encode(shape, *running.shape);
    running.phase = Phase::kGo;
    send_up(message(Word::kShape, running.serial, shape.take()));
  }
}

void Reduce::go() {
  Running& running = *running_;
  if (!running.shape) {
    running.phase = Phase::kEnd;
    return;
  }
  std::vector<bool> contributes;
  for (const Child& child : running.children) contributes.push_back(child.shape.has_value());
  running.merge.emplace(reduce_kernel(running.shape->dtype, running.op), running.shape->elements(),
                        *running.own, contributes);
  running.phase = Phase::kBlocks;
}

Result<bool> Reduce::step_blocks() {
  Running& running = *running_;
  if (running.problem) {
    give_up();
    return true;
  }
  if (running.merge->finished()) {
    blocks_finished();
    return true;
  }
  if (wiring_.transport.sending(Channel::kReduce) >= kMaxSending) return false;
  const auto moved = wiring_.with_files([&] { return running.merge->step(); });
  if (!moved) {
    problem(moved.error());
    return true;
  }
  const size_t first = running.merge->first();
  if (auto block = running.merge->merged()) {
    if (const auto passed = pass_on(std::move(*block), first); !passed) problem(passed.error());
  }
  return *moved;
}

Status Reduce::pass_on(std::string block, size_t first) {
  Running& running = *running_;
  if (!is_main_) {
    send_up(message(Word::kBlock, running.serial, block));
    return {};
  }
  const auto kernel = reduce_kernel(running.shape->dtype, running.op);
  const size_t count = block.size() / kernel.accumulator_bytes;
  std::string values(count * kernel.value_bytes, '\0');
  if (const size_t fits = kernel.finish(values.data(), block.data(), count); fits < count)
    return fail(Code::kConfig,
                fmt::format("{}: the sum of element {} does not fit in {}", running.target,
                            first + fits, model::descr_of(running.shape->dtype)));
  const Pulse::Files waits(wiring_.pulse);
  return running.writer->write(values);
}

void Reduce::blocks_finished() {
  if (!is_main_) {
    running_->phase = Phase::kEnd;
    return;
  }
  running_->phase = Phase::kCommit;
  running_->writer->begin_commit();
}

bool Reduce::step_commit() {
  const auto committed = running_->writer->committed();
  if (!committed) {
    problem(committed.error());
    give_up();
    return true;
  }
  if (*committed) finish({running_->id, "", 0});
  return *committed;
}

void Reduce::give_up() {
  running_->merge.reset();
  running_->phase = Phase::kEnd;
  const Error error = *running_->problem;
  if (is_main_) {
    finish({running_->id, error.within("reduce").text, static_cast<uint32_t>(error.code)});
  } else {
    send_up(message(Word::kFail, running_->serial, done_bytes(running_->id, error)));
  }
}

void Reduce::finish(const CollectiveDone& done) {
  send_down(message(Word::kDone, running_->serial, model::encode(done)), false);
  wiring_.agent.send(RankFrame::kReduceDone, model::encode(done));
  if (!running_->own && orders_.erase(done.id) == 0) answered_.insert(done.id);
  const Pulse::Files waits(wiring_.pulse);
  running_.reset();  // a writer that is given up waits for its sync
}

void Reduce::send_down(const std::string& bytes, bool ring) {
  const auto shared = std::make_shared<const std::string>(bytes);
  for (const Rank child : children_) {
    wiring_.transport.send(child, Channel::kReduce, shared);
    if (ring) wiring_.ringer.ring(child, Clock::now());
  }
}

void Reduce::send_up(std::string bytes) {
  wiring_.transport.send(*wiring_.world.parent(), Channel::kReduce,
                         std::make_shared<const std::string>(std::move(bytes)));
}

}  // namespace mnp::comms
