#include "mnp/model/rank_link.hpp"

#include "mnp/core/frame.hpp"

namespace mnp::model {

std::string encode(const RankHello& value) {
  return Encoder()
      .u32(value.epoch.value())
      .u32(value.node.value())
      .u32(static_cast<uint32_t>(value.rank.value()))
      .u32(value.size)
      .take();
}
std::string encode(const NodePayload& value) {
  return Encoder().u32(value.node.value()).text(value.bytes).take();
}
std::string encode(const BroadcastOrder& value) {
  return Encoder().u64(value.id).text(value.source).text(value.name).take();
}
std::string encode(const ReduceOrder& value) {
  Encoder out;
  out.u64(value.id).u8(value.op).u32(static_cast<uint32_t>(value.files.size()));
  for (const std::string& file : value.files) out.text(file);
  return out.text(value.target).take();
}
std::string encode(const CollectiveDone& value) {
  return Encoder().u64(value.id).text(value.error).u32(value.code).take();
}

Result<RankHello> decode_rank_hello(std::string_view bytes) {
  Decoder in(bytes);
  RankHello value;
  value.epoch = EpochNumber(in.u32());
  value.node = NodeIndex(in.u32());
  value.rank = Rank(static_cast<int32_t>(in.u32()));
  value.size = in.u32();
  return in.finish("rank hello", value);
}
Result<NodePayload> decode_node_payload(std::string_view bytes) {
  Decoder in(bytes);
  NodePayload value;
  value.node = NodeIndex(in.u32());
  value.bytes = in.text();
  return in.finish("node payload", std::move(value));
}
Result<BroadcastOrder> decode_broadcast_order(std::string_view bytes) {
  Decoder in(bytes);
  BroadcastOrder value;
  value.id = in.u64();
  value.source = in.text();
  value.name = in.text();
  return in.finish("broadcast order", std::move(value));
}
Result<ReduceOrder> decode_reduce_order(std::string_view bytes) {
  Decoder in(bytes);
  ReduceOrder value;
  value.id = in.u64();
  value.op = in.u8();
  value.files.resize(in.count(sizeof(uint32_t)));
  for (std::string& file : value.files) file = in.text();
  value.target = in.text();
  return in.finish("reduce order", std::move(value));
}
Result<CollectiveDone> decode_collective_done(std::string_view bytes) {
  Decoder in(bytes);
  CollectiveDone value;
  value.id = in.u64();
  value.error = in.text();
  value.code = in.u32();
  return in.finish("collective done", std::move(value));
}

}  // namespace mnp::model
