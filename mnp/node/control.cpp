#include "mnp/node/control.hpp"

#include "mnp/core/frame.hpp"

namespace mnp::node {

std::string encode(const Join& value) {
  return Encoder()
      .text(value.host)
      .text(value.address)
      .text(value.topology)
      .u32(value.cores)
      .u64(value.memory_bytes)
      .u32(value.gpus)
      .take();
}
std::string encode(const Welcome& value) {
  return Encoder()
      .text(value.plan)
      .u32(value.owner.value())
      .u32(value.lease_ms)
      .u32(value.beat_ms)
      .take();
}
std::string encode(const Ready& value) {
  return Encoder().u32(value.slots).text(value.error).u32(value.code).take();
}
std::string encode(const BeginEpoch& value) {
  return Encoder()
      .u32(value.epoch.value())
      .u32(value.nodes)
      .u32(value.node_rank)
      .u32(value.launch_ms)
      .take();
}
std::string encode(const End& value) {
  return Encoder().u32(static_cast<uint32_t>(value.status)).text(value.text).take();
}
std::string encode_u32(uint32_t value) {
  return Encoder().u32(value).take();
}
std::string encode_u64(uint64_t value) {
  return Encoder().u64(value).take();
}

Result<Join> decode_join(std::string_view bytes) {
  Decoder in(bytes);
  Join value;
  value.host = in.text();
  value.address = in.text();
  value.topology = in.text();
  value.cores = in.u32();
  value.memory_bytes = in.u64();
  value.gpus = in.u32();
  return in.finish("join", std::move(value));
}
Result<Welcome> decode_welcome(std::string_view bytes) {
  Decoder in(bytes);
  Welcome value;
  value.plan = in.text();
  value.owner = OwnerNumber(in.u32());
  value.lease_ms = in.u32();
  value.beat_ms = in.u32();
  return in.finish("welcome", std::move(value));
}
Result<Ready> decode_ready(std::string_view bytes) {
  Decoder in(bytes);
  Ready value;
  value.slots = in.u32();
  value.error = in.text();
  value.code = in.u32();
  return in.finish("ready", std::move(value));
}
Result<BeginEpoch> decode_begin_epoch(std::string_view bytes) {
  Decoder in(bytes);
  BeginEpoch value;
  value.epoch = EpochNumber(in.u32());
  value.nodes = in.u32();
  value.node_rank = in.u32();
  value.launch_ms = in.u32();
  return in.finish("begin epoch", value);
}
Result<End> decode_end(std::string_view bytes) {
  Decoder in(bytes);
  End value;
  value.status = static_cast<int32_t>(in.u32());
  value.text = in.text();
  return in.finish("end", std::move(value));
}
Result<uint32_t> decode_u32(std::string_view bytes) {
  Decoder in(bytes);
  const uint32_t value = in.u32();
  return in.finish("number", value);
}
Result<uint64_t> decode_u64(std::string_view bytes) {
  Decoder in(bytes);
  const uint64_t value = in.u64();
  return in.finish("number", value);
}

}  // namespace mnp::node
