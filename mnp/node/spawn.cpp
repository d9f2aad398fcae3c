#include "mnp/node/spawn.hpp"

#include "mnp/core/frame.hpp"

namespace mnp::node {

std::string encode(const SpawnRequest& value) {
  Encoder out;
  out.text(value.host).text(value.program).u32(static_cast<uint32_t>(value.args.size()));
  for (const std::string& argument : value.args) out.text(argument);
  out.u32(static_cast<uint32_t>(value.env.size()));
  for (const auto& [name, pieces] : value.env) {
    out.text(name).u32(static_cast<uint32_t>(pieces.size()));
    for (const EnvPiece& piece : pieces) out.u8(piece.reference ? 1 : 0).text(piece.text);
  }
  return out.take();
}

Result<SpawnRequest> decode_spawn_request(std::string_view bytes) {
  constexpr size_t kOverhead = 8 * kMaxArguments;  // lengths and counts
  if (bytes.size() > 2 * kMaxRequest + kOverhead)
    return fail(Code::kProtocol, "a spawn request that is too long");
  Decoder in(bytes);
  SpawnRequest value;
  value.host = in.text();
  value.program = in.text();
  for (uint32_t n = in.count(4); n > 0; --n) value.args.push_back(in.text());
  for (uint32_t n = in.count(8); n > 0; --n) {
    std::string name = in.text();
    EnvValue pieces;
    for (uint32_t k = in.count(5); k > 0; --k) {
      const bool reference = in.u8() != 0;
      pieces.push_back({reference, in.text()});
    }
    value.env.emplace_back(std::move(name), std::move(pieces));
  }
  MNP_CHECK(in.finish("spawn request"));
  return value;
}

std::string encode(const SpawnExit& value) {
  return Encoder().u32(value.code).u32(value.signal).u8(value.stopped ? 1 : 0).take();
}

Result<SpawnExit> decode_spawn_exit(std::string_view bytes) {
  Decoder in(bytes);
  SpawnExit value;
  value.code = in.u32();
  value.signal = in.u32();
  value.stopped = in.u8() != 0;
  MNP_CHECK(in.finish("spawn exit"));
  return value;
}

std::string with_spawn_id(uint64_t id, std::string_view payload) {
  std::string bytes = Encoder().u64(id).take();
  bytes.append(payload);
  return bytes;
}

Result<SpawnPayload> split_spawn_id(std::string_view bytes) {
  constexpr size_t kId = sizeof(uint64_t);
  if (bytes.size() < kId) return fail(Code::kProtocol, "a spawn message without an id");
  return SpawnPayload{Decoder(bytes.substr(0, kId)).u64(), bytes.substr(kId)};
}

}  // namespace mnp::node
