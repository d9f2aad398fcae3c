// libFuzzer target: a journal of any bytes never crashes its readers, and what they accept holds
// together. The first byte picks: 'l' the body of a line, whose checksum is made to fit; else
// segments, separated by byte 0. Build with clang and -DMNP_SANITIZE=fuzzer; run
// `journal_fuzz -max_total_time=60 CORPUS`.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "mnp/core/text.hpp"
#include "mnp/model/journal_segments.hpp"
#include "mnp/model/report.hpp"

namespace {

using namespace mnp::model;

void require(bool holds) {
  if (!holds) std::abort();
}

std::string with_checksum(std::string_view body) {
  std::string line(body);
  return line + ",\"crc\":\"" + mnp::hex32(mnp::crc32c(body)) + "\"}\n";
}

void fuzz_line(std::string_view body) {
  const auto line = decode_line(with_checksum(body));
  if (!line) return;
  const std::string again = encode_line(*line);
  const auto read = decode_line(again);
  require(read.has_value() && encode_line(*read) == again);
}

/// Lines get checksums that fit, else the fuzzer would never come past them. A line that starts
/// with '!' is left alone.
std::string segment_of(std::string_view text) {
  std::string segment;
  for (const std::string& line : mnp::split(text, '\n'))
    segment += !line.empty() && line[0] == '!' ? line + "\n" : with_checksum(line);
  return segment;
}

void fuzz_segments(std::string_view text) {
  mnp::MemoryStore store;
  const StageKeys stage = StageKeys::of(RunKeys::of("r"), "s");
  const std::string journal = AttemptKeys::of(stage, "j", 1).journal();
  uint32_t number = 0;
  for (const std::string& part : mnp::split(text, '\0'))
    if (!part.empty())
      require(store.put(segment_key(journal, ++number), segment_of(part)).has_value());
  uint64_t last = 0;
  bool sealed = false;
  const auto summary = read_journal(store, journal, [&](const JournalLine& line) {
    require(!sealed);
    sealed = std::holds_alternative<Sealed>(line.event);
    require(sealed || line.sequence > last);
    last = line.sequence;
  });
  require(summary && summary->sealed == sealed && summary->segments == number);
  const auto list = CommandList::parse("a\nb\n", "list");
  const auto outcomes = read_outcomes(store, stage, *list);
  require(outcomes && outcomes->commands.size() == 2);
  std::string rows;
  const auto written = outcomes_to_jsonl(*outcomes, [&](std::string_view some) {
    rows += some;
    return mnp::Status();
  });
  require(written && mnp::split(rows, '\n').size() == 3);
  require(claim_stage(store, stage, "k", 1).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 'l')
    fuzz_line(text);
  else
    fuzz_segments(text);
  return 0;
}
