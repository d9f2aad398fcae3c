#include "mnp/model/message.hpp"

#include <fmt/format.h>

#include "mnp/model/command_list.hpp"

namespace mnp::model {
namespace {

constexpr size_t kStartBytes = 4 + 4;  // an encoded command and its start
constexpr size_t kRanBytes = kStartBytes + 1;
constexpr size_t kLeastDealItem = 4 + 4 + 8 + 4;
constexpr size_t kMaxStoredBytes = size_t{4} << 20;  // of one message, unless one record has more
constexpr size_t kLeastFile = 17;    // bytes of an encoded ResultFile without its path
constexpr size_t kLeastRecord = 86;  // bytes of an encoded Record without files and error

enum class Kind : uint8_t { kDeal = 1, kRan = 2, kStored = 3, kKept = 4, kCollect = 5, kHeld = 6 };

void put_count(Encoder& out, size_t count) {
  MNP_ASSERT(count <= kMaxMessageItems, "a message over its limit was built");
  out.u32(static_cast<uint32_t>(count));
}

void put_kind(Encoder& out, Kind kind) {
  out.u8(static_cast<uint8_t>(kind));
}

void put(Encoder& out, const Deal& deal) {
  put_kind(out, Kind::kDeal);
  out.u8(deal.suspect ? 1 : 0);
  put_count(out, deal.items.size());
  for (const Deal::Item& item : deal.items)
    out.u32(item.command.value()).u32(item.start).u64(item.identity).text(item.line);
}

template <class Starts>
void put_starts(Encoder& out, Kind kind, const Starts& starts) {
  put_kind(out, kind);
  put_count(out, starts.items.size());
  for (const auto& item : starts.items) out.u32(item.command.value()).u32(item.start);
}

void put(Encoder& out, const Ran& ran) {
  put_kind(out, Kind::kRan);
  put_count(out, ran.items.size());
  for (const Ran::Item& item : ran.items)
    out.u32(item.command.value()).u32(item.start).u8(item.failed ? 1 : 0);
}

void put(Encoder& out, const Kept& kept) {
  put_starts(out, Kind::kKept, kept);
}

void put(Encoder& out, const Held& held) {
  put_starts(out, Kind::kHeld, held);
}

void put(Encoder& out, const Stored& stored) {
  put_kind(out, Kind::kStored);
  put_count(out, stored.records.size());
  for (const Record& record : stored.records) encode(record, out);
}

void put(Encoder& out, const Collect& collect) {
  put_kind(out, Kind::kCollect);
  out.u64(collect.id).u8(collect.op);
  put_count(out, collect.partials.size());
  for (const std::string& partial : collect.partials) out.text(partial);
}

Status over(std::string_view what, size_t size, size_t limit) {
  return fail(Code::kProtocol, fmt::format("{} of {}; at most {} are allowed", what, size, limit));
}

Status check_count(size_t count) {
  return count <= kMaxMessageItems ? Status{} : over("a list", count, kMaxMessageItems);
}

Result<Message> take_deal(Decoder& in) {
  Deal deal;
  const uint8_t suspect = in.u8();
  if (suspect > 1) return fail(Code::kProtocol, "a deal that is neither suspect nor not");
  deal.suspect = suspect == 1;
  const size_t count = in.count(kLeastDealItem);
  MNP_CHECK(check_count(count));
  deal.items.resize(count);
  for (Deal::Item& item : deal.items) {
    item.command = CommandIndex(in.u32());
    item.start = in.u32();
    item.identity = in.u64();
    item.line = in.text();
    if (item.line.size() > kMaxLine)
      return fail(over("a line", item.line.size(), kMaxLine).error());
  }
  return Message(std::move(deal));
}

Result<Message> take_ran(Decoder& in) {
  Ran ran;
  const size_t count = in.count(kRanBytes);
  MNP_CHECK(check_count(count));
  ran.items.resize(count);
  for (Ran::Item& item : ran.items) {
    item.command = CommandIndex(in.u32());
    item.start = in.u32();
    const uint8_t failed = in.u8();
    if (failed > 1) return fail(Code::kProtocol, "a command that has neither failed nor not");
    item.failed = failed == 1;
  }
  return Message(std::move(ran));
}

template <class Starts>
Result<Message> take_starts(Decoder& in) {
  Starts starts;
  const size_t count = in.count(kStartBytes);
  MNP_CHECK(check_count(count));
  starts.items.resize(count);
  for (auto& item : starts.items) {
    item.command = CommandIndex(in.u32());
    item.start = in.u32();
  }
  return Message(std::move(starts));
}

Result<Message> take_stored(Decoder& in) {
  Stored stored;
  const size_t count = in.count(kLeastRecord);
  MNP_CHECK(check_count(count));
  stored.records.resize(count);
  for (Record& record : stored.records) {
    record = decode_record(in);
    MNP_CHECK(check(record));
  }
  return Message(std::move(stored));
}

Result<Message> take_collect(Decoder& in) {
  Collect collect;
  collect.id = in.u64();
  collect.op = in.u8();
  const size_t count = in.count(sizeof(uint32_t));
  MNP_CHECK(check_count(count));
  collect.partials.resize(count);
  for (std::string& partial : collect.partials) partial = in.text();
  return Message(std::move(collect));
}

Result<Message> take_message(Decoder& in, uint8_t kind) {
  switch (static_cast<Kind>(kind)) {
    case Kind::kDeal:
      return take_deal(in);
    case Kind::kRan:
      return take_ran(in);
    case Kind::kStored:
      return take_stored(in);
    case Kind::kKept:
      return take_starts<Kept>(in);
    case Kind::kCollect:
      return take_collect(in);
    case Kind::kHeld:
      return take_starts<Held>(in);
  }
  return fail(Code::kProtocol, fmt::format("a message of unknown kind {}", kind));
}

}  // namespace

std::vector<Stored> split_stored(std::vector<Record> records) {
  std::vector<Stored> messages;
  size_t bytes = kMaxStoredBytes;
  for (Record& record : records) {
    size_t size = kLeastRecord + record.error.size();
    for (const ResultFile& file : record.files) size += kLeastFile + file.path.size();
    if (bytes + size > kMaxStoredBytes) {
      messages.emplace_back();
      bytes = 0;
    }
    bytes += size;
    messages.back().records.push_back(std::move(record));
  }
  return messages;
}

std::string encode_message(const Message& message) {
  Encoder out;
  std::visit([&](const auto& value) { put(out, value); }, message);
  return out.take();
}

Result<Message> decode_message(std::string_view bytes) {
  Decoder in(bytes);
  const uint8_t kind = in.u8();
  MNP_TRY(Message message, take_message(in, kind));
  MNP_CHECK(in.finish("message about commands"));
  return message;
}

}  // namespace mnp::model
