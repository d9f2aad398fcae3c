// One line of a journal, written and read: docs/journal.md says the same byte by byte.
#include <array>

#include <fmt/format.h>

#include "mnp/core/text.hpp"
#include "mnp/model/journal.hpp"
#include "mnp/model/json_line.hpp"

namespace mnp::model {
namespace {

constexpr std::string_view kChecksum = ",\"crc\":\"";  // what follows the bytes it covers
constexpr size_t kTail = kChecksum.size() + 8 + 3;     // up to `"}` and the newline

// In the order of Event.
constexpr std::array<std::string_view, std::variant_size_v<Event>> kNames = {
    "begun",  "joined",   "lost",    "bad",   "epoch", "dealt",
    "record", "poisoned", "reduced", "ended", "sealed"};

/// `[a,b,...]` of what `each` writes.
template <class List, class Each>
void write_list(JsonWriter& out, const List& list, Each each) {
  out.raw("[");
  bool first = true;
  for (const auto& element : list) {
    if (!std::exchange(first, false)) out.raw(",");
    each(element);
  }
  out.raw("]");
}

template <class Each>
void read_list(JsonReader& in, Each each) {
  in.expect("[");
  if (in.skip("]")) return;
  do {
    each();
  } while (!in.bad() && in.skip(","));
  in.expect("]");
}

void write(JsonWriter& out, const Begun& event) {
  out.member("run").text(event.run).member("stage").text(event.stage);
  out.member("job").text(event.job).member("attempt").number(event.attempt);
  out.member("owner").number(event.owner.value()).member("commands").number(event.commands);
  out.member("digest").hex64(event.list_digest);
  if (event.fresh_failures) out.member("fresh").raw("true");
}
Event read_begun(JsonReader& in) {
  Begun event;
  in.member("run"), event.run = in.text();
  in.member("stage"), event.stage = in.text();
  in.member("job"), event.job = in.text();
  in.member("attempt"), event.attempt = in.number32();
  in.member("owner"), event.owner = OwnerNumber(in.number32());
  in.member("commands"), event.commands = in.number();
  in.member("digest"), event.list_digest = in.hex64();
  event.fresh_failures = in.has("fresh");
  if (event.fresh_failures) in.expect("true");
  return event;
}

void write(JsonWriter& out, const NodeJoined& event) {
  out.member("node").number(event.node.value());
  out.member("incarnation").number(event.incarnation.value());
  out.member("host").text(event.host).member("slots").number(event.slots);
}
Event read_joined(JsonReader& in) {
  NodeJoined event;
  in.member("node"), event.node = NodeIndex(in.number32());
  in.member("incarnation"), event.incarnation = Incarnation(in.number32());
  in.member("host"), event.host = in.text();
  in.member("slots"), event.slots = in.number32();
  return event;
}

void write(JsonWriter& out, const NodeLost& event) {
  out.member("node").number(event.node.value());
  out.member("incarnation").number(event.incarnation.value());
  out.member("reason").text(event.reason);
}
Event read_lost(JsonReader& in) {
  NodeLost event;
  in.member("node"), event.node = NodeIndex(in.number32());
  in.member("incarnation"), event.incarnation = Incarnation(in.number32());
  in.member("reason"), event.reason = in.text();
  return event;
}

void write(JsonWriter& out, const NodeBad& event) {
  out.member("node").number(event.node.value()).member("reason").text(event.reason);
}
Event read_bad(JsonReader& in) {
  NodeBad event;
  in.member("node"), event.node = NodeIndex(in.number32());
  in.member("reason"), event.reason = in.text();
  return event;
}

void write(JsonWriter& out, const EpochBegun& event) {
  out.member("epoch").number(event.epoch.value()).member("nodes");
  write_list(out, event.nodes, [&](NodeIndex node) { out.number(node.value()); });
}
Event read_epoch(JsonReader& in) {
  EpochBegun event;
  in.member("epoch"), event.epoch = EpochNumber(in.number32());
  in.member("nodes"), read_list(in, [&] { event.nodes.emplace_back(in.number32()); });
  return event;
}

void write(JsonWriter& out, const Dealt& event) {
  out.member("node").number(event.node.value());
  out.member("incarnation").number(event.incarnation.value());
  if (event.suspect) out.member("suspect").raw("true");
  out.member("items");
  write_list(out, event.items, [&](const Dealt::Item& item) {
    out.raw("[").number(item.command.value()).raw(",").number(item.start).raw(",");
    out.hex64(item.identity).raw("]");
  });
}
Event read_dealt(JsonReader& in) {
  Dealt event;
  in.member("node"), event.node = NodeIndex(in.number32());
  in.member("incarnation"), event.incarnation = Incarnation(in.number32());
  event.suspect = in.has("suspect");
  if (event.suspect) in.expect("true");
  in.member("items");
  read_list(in, [&] {
    Dealt::Item item;
    in.expect("["), item.command = CommandIndex(in.number32());
    in.expect(","), item.start = in.number32();
    in.expect(","), item.identity = in.hex64();
    in.expect("]");
    event.items.push_back(item);
  });
  return event;
}

/// `["path",bytes,"crc32c"]`, for a partial `["path",bytes,"crc32c",1]`.
void write_file(JsonWriter& out, const ResultFile& file) {
  out.raw("[").text(file.path).raw(",").number(file.bytes).raw(",").hex32(file.crc32c);
  out.raw(file.partial ? ",1]" : "]");
}
ResultFile read_file(JsonReader& in) {
  ResultFile file;
  in.expect("["), file.path = in.text();
  in.expect(","), file.bytes = in.number();
  in.expect(","), file.crc32c = in.hex32();
  file.partial = in.skip(",1");
  in.expect("]");
  return file;
}

// In the order of Ending::Kind.
constexpr std::array<std::string_view, 4> kEndings = {"exit", "signal", "timeout", "errno"};

Ending read_ending(JsonReader& in) {
  for (size_t kind = 0; kind < kEndings.size(); ++kind)
    if (in.has(kEndings[kind])) return {static_cast<Ending::Kind>(kind), in.integer()};
  in.refuse();
  return {};
}

void write(JsonWriter& out, const RecordKept& event) {
  const Record& record = event.record;
  out.member("command").number(record.command.value()).member("identity").hex64(event.identity);
  out.member("start").number(record.start).member("node").number(record.node.value());
  out.member("incarnation").number(record.incarnation.value());
  out.member("slot").number(record.slot.value());
  out.member(kEndings[static_cast<size_t>(record.ending.kind)]).integer(record.ending.value);
  out.member("started").seconds(record.started).member("ended").seconds(record.ended);
  out.member("cpu").seconds(record.cpu_seconds).member("rss").number(record.max_rss_kib);
  if (record.output != OutputRange{}) {
    out.member("output").raw("[").number(record.output.segment).raw(",");
    out.number(record.output.offset).raw(",").number(record.output.length);
    out.raw(record.output.truncated ? ",1]" : "]");
  }
  if (!record.files.empty()) {
    out.member("files");
    write_list(out, record.files, [&](const ResultFile& file) { write_file(out, file); });
  }
  if (!record.error.empty()) out.member("error").text(record.error);
}
Event read_record(JsonReader& in) {
  RecordKept event;
  Record& record = event.record;
  in.member("command"), record.command = CommandIndex(in.number32());
  in.member("identity"), event.identity = in.hex64();
  in.member("start"), record.start = in.number32();
  in.member("node"), record.node = NodeIndex(in.number32());
  in.member("incarnation"), record.incarnation = Incarnation(in.number32());
  in.member("slot"), record.slot = SlotIndex(in.number32());
  record.ending = read_ending(in);
  in.member("started"), record.started = in.seconds();
  in.member("ended"), record.ended = in.seconds();
  in.member("cpu"), record.cpu_seconds = in.seconds();
  in.member("rss"), record.max_rss_kib = in.number();
  if (in.has("output")) {
    in.expect("["), record.output.segment = in.number32();
    in.expect(","), record.output.offset = in.number();
    in.expect(","), record.output.length = in.number();
    record.output.truncated = in.skip(",1");
    in.expect("]");
  }
  if (in.has("files")) read_list(in, [&] { record.files.push_back(read_file(in)); });
  if (in.has("error")) record.error = in.text();
  return event;
}

void write(JsonWriter& out, const Poisoned& event) {
  out.member("command").number(event.command.value()).member("identity").hex64(event.identity);
}
Event read_poisoned(JsonReader& in) {
  Poisoned event;
  in.member("command"), event.command = CommandIndex(in.number32());
  in.member("identity"), event.identity = in.hex64();
  return event;
}

void write(JsonWriter& out, const Reduced& event) {
  out.member("file");
  write_file(out, event.file);
}
Event read_reduced(JsonReader& in) {
  in.member("file");
  return Reduced{read_file(in)};
}

void write(JsonWriter& out, const Ended& event) {
  out.member("status").integer(event.status).member("text").text(event.text);
  if (event.silent > 0) out.member("silent").seconds(event.silent);
}
Event read_ended(JsonReader& in) {
  Ended event;
  in.member("status"), event.status = in.integer();
  in.member("text"), event.text = in.text();
  if (in.has("silent")) event.silent = in.seconds();
  return event;
}

void write(JsonWriter& out, const Sealed& event) {
  out.member("by").number(event.by.value());
}
Event read_sealed(JsonReader& in) {
  in.member("by");
  return Sealed{OwnerNumber(in.number32())};
}

// In the order of Event.
constexpr std::array<Event (*)(JsonReader&), std::variant_size_v<Event>> kReaders = {
    read_begun,  read_joined,   read_lost,    read_bad,   read_epoch, read_dealt,
    read_record, read_poisoned, read_reduced, read_ended, read_sealed};

tl::unexpected<Error> wrong(std::string what) {
  return fail(Code::kProtocol, std::move(what));
}

/// The event whose name stands next. `size`: bytes of the line, for the message.
Result<Event> read_event(JsonReader& in, size_t size) {
  for (size_t kind = 0; kind < kNames.size(); ++kind) {
    if (!in.skip(kNames[kind]) || !in.skip("\"")) continue;
    const size_t start = size - in.left();
    Event event = kReaders[kind](in);
    if (in.whole()) return event;
    return wrong(fmt::format("'{}' has members out of place after byte {}", kNames[kind], start));
  }
  return wrong("an unknown event");
}

}  // namespace

void append_line(std::string& out, const JournalLine& line) {
  const size_t start = out.size();
  JsonWriter json(out);
  json.raw("{\"n\":").number(line.sequence).member("t").seconds(line.time);
  json.member("e").raw("\"").raw(kNames[line.event.index()]).raw("\"");
  std::visit([&](const auto& event) { write(json, event); }, line.event);
  const uint32_t checksum = crc32c(std::string_view(out).substr(start));
  json.member("crc").hex32(checksum).raw("}\n");
}

std::string encode_line(const JournalLine& line) {
  std::string out;
  append_line(out, line);
  return out;
}

Result<JournalLine> decode_line(std::string_view line) {
  if (line.empty() || line.back() != '\n') return wrong("torn: no newline at its end");
  if (line.size() < kTail) return wrong("too short for a line");
  const std::string_view body = line.substr(0, line.size() - kTail);
  JsonReader tail(line.substr(body.size() + kChecksum.size() - 1, 8 + 2));
  const uint32_t said = tail.hex32();
  if (!tail.whole() || line.substr(body.size(), kChecksum.size()) != kChecksum ||
      line.substr(line.size() - 2) != "}\n")
    return wrong("no checksum at its end");
  if (const uint32_t counted = crc32c(body); counted != said)
    return wrong(fmt::format("its checksum says {:08x}, its bytes {:08x}", said, counted));
  JsonReader in(body);
  JournalLine value;
  in.expect("{\"n\":"), value.sequence = in.number();
  in.member("t"), value.time = in.seconds();
  in.member("e"), in.expect("\"");
  if (in.bad()) return wrong("does not start with number, time and event");
  MNP_TRY(value.event, read_event(in, body.size()));
  return value;
}

}  // namespace mnp::model
