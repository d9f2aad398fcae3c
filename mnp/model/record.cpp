#include "mnp/model/record.hpp"

#include <cstring>

#include <fmt/format.h>

namespace mnp::model {
namespace {

constexpr size_t kLeastFile = 4 + 8 + 4 + 1;  // bytes of an encoded ResultFile with an empty path

enum Flag : uint8_t { kTruncated = 1 };

void encode_file(const ResultFile& file, Encoder& out) {
  out.text(file.path).u64(file.bytes).u32(file.crc32c).u8(file.partial ? 1 : 0);
}

ResultFile decode_file(Decoder& in) {
  ResultFile file;
  file.path = in.text();
  file.bytes = in.u64();
  file.crc32c = in.u32();
  file.partial = in.u8() != 0;
  return file;
}

}  // namespace

std::string to_text(const Ending& ending) {
  switch (ending.kind) {
    case Ending::Kind::kExited:
      return fmt::format("exit {}", ending.value);
    case Ending::Kind::kSignalled: {
      const char* const name = ::sigabbrev_np(ending.value);
      return name == nullptr ? fmt::format("signal {}", ending.value)
                             : fmt::format("signal {} (SIG{})", ending.value, name);
    }
    case Ending::Kind::kTimedOut:
      return "timed out";
    case Ending::Kind::kNotStarted: {
      const char* const text = ::strerrordesc_np(ending.value);
      return text == nullptr ? fmt::format("could not be started: error {}", ending.value)
                             : fmt::format("could not be started: {}", text);
    }
  }
  return fmt::format("ended in an unknown way ({})", static_cast<int>(ending.kind));
}

void encode(const Record& record, Encoder& out) {
  out.u32(record.command.value()).u32(record.start).u32(record.node.value());
  out.u32(record.incarnation.value()).u32(record.slot.value());
  out.u8(static_cast<uint8_t>(record.ending.kind)).u32(static_cast<uint32_t>(record.ending.value));
  out.f64(record.started).f64(record.ended).f64(record.cpu_seconds).u64(record.max_rss_kib);
  out.u32(record.output.segment).u64(record.output.offset).u64(record.output.length);
  out.u8(record.output.truncated ? kTruncated : 0);
  out.u32(static_cast<uint32_t>(record.files.size()));
  for (const ResultFile& file : record.files) encode_file(file, out);
  out.text(std::string_view(record.error).substr(0, kMaxRecordError));
}

Record decode_record(Decoder& in) {
  Record record;
  record.command = CommandIndex(in.u32());
  record.start = in.u32();
  record.node = NodeIndex(in.u32());
  record.incarnation = Incarnation(in.u32());
  record.slot = SlotIndex(in.u32());
  record.ending.kind = static_cast<Ending::Kind>(in.u8());
  record.ending.value = static_cast<int>(in.u32());
  record.started = in.f64();
  record.ended = in.f64();
  record.cpu_seconds = in.f64();
  record.max_rss_kib = in.u64();
  record.output.segment = in.u32();
  record.output.offset = in.u64();
  record.output.length = in.u64();
  record.output.truncated = in.u8() != 0;
  record.files.resize(in.count(kLeastFile));
  for (ResultFile& file : record.files) file = decode_file(in);
  record.error = in.text();
  return record;
}

Status check(const Record& record) {
  const auto wrong = [&](std::string_view what) {
    return fail(Code::kProtocol, fmt::format("record of command {}, start {}: {}",
                                             record.command.value(), record.start, what));
  };
  if (record.start == 0) return wrong("starts count from 1");
  if (record.ending.kind > Ending::Kind::kNotStarted) return wrong("an unknown kind of ending");
  if (record.files.size() > kMaxResultFiles)
    return wrong(
        fmt::format("{} files; at most {} are allowed", record.files.size(), kMaxResultFiles));
  for (const ResultFile& file : record.files)
    if (file.path.empty() || file.path.size() > kMaxResultPath)
      return wrong(fmt::format("a file's path of {} bytes; 1 to {} are allowed", file.path.size(),
                               kMaxResultPath));
  if (record.error.size() > kMaxRecordError)
    return wrong(fmt::format("an error of {} bytes; at most {} are allowed", record.error.size(),
                             kMaxRecordError));
  return {};
}

}  // namespace mnp::model
