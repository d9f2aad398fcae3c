#include <algorithm>
#include <deque>
#include <future>

#include <fmt/format.h>

#include "mnp/model/journal.hpp"
#include "mnp/model/journal_segments.hpp"

namespace mnp::model {
namespace {

constexpr std::string_view kLineStart = "{\"n\":";  // nowhere else: quotes in texts are escaped
constexpr size_t kAhead = 16;  // segments under way while one is read: a store may be far away
constexpr int kReadTries = 3;

Result<std::string> get_segment(Store& store, const std::string& key) {
  Result<std::string> bytes;
  for (int i = 0; i < kReadTries; ++i) {
    bytes = store.get(key);
    if (bytes || bytes.error().code == Code::kNotFound) break;
  }
  return bytes;
}

class Reader {
 public:
  Reader(Store& store, const std::string& prefix, const LineCallback& each,
         const DamageCallback& damaged)
      : store_(store), prefix_(prefix), each_(each), damaged_(damaged) {}
  Result<JournalSummary> read();

 private:
  Status take_segment(const Result<std::string>& bytes);
  void take_lines(std::string_view bytes);
  void take_line(std::string_view text);
  void take_sound(const JournalLine& line);
  void damage(uint64_t line, std::string what);

  Store& store_;
  const std::string& prefix_;
  const LineCallback& each_;
  const DamageCallback& damaged_;
  JournalSummary summary_;
  uint32_t segment_ = 0;    // that is being read
  uint64_t line_ = 0;       // in it
  uint64_t last_ = 0;       // highest sequence number accepted
  bool explained_ = false;  // damage since then: the next gap needs no word of its own
};

void Reader::damage(uint64_t line, std::string what) {
  explained_ = true;
  Damage found{segment_key(prefix_, segment_), line, std::move(what)};
  if (damaged_) damaged_(found);
  if (summary_.damages.size() < kMaxDamages)
    summary_.damages.push_back(std::move(found));
  else
    summary_.damages.back().what = "further damage is not named";
}

void Reader::take_sound(const JournalLine& line) {
  if (std::holds_alternative<Sealed>(line.event)) {
    if (line.sequence > last_ + 1 && !explained_)
      damage(line_, fmt::format("lines {} to {} are missing", last_ + 1, line.sequence - 1));
    summary_.sealed = true;
    each_(line);
    return;
  }
  if (line.sequence <= last_)
    return damage(line_, fmt::format("line {} again, or out of its place", line.sequence));
  if (line.sequence > last_ + 1 && !explained_)
    damage(line_, fmt::format("lines {} to {} are missing", last_ + 1, line.sequence - 1));
  explained_ = false;
  last_ = line.sequence;
  summary_.ended = std::holds_alternative<Ended>(line.event);
  each_(line);
}

/// When the newline between two lines was hit, the second hides behind the first. Only the last
/// start can be that of a line with its newline.
void Reader::take_line(std::string_view text) {
  const auto line = decode_line(text);
  if (line) return take_sound(*line);
  damage(line_, line.error().text);
  const size_t start = text.rfind(kLineStart);
  if (start == std::string_view::npos || start == 0) return;
  const auto hidden = decode_line(text.substr(start));
  if (hidden) take_sound(*hidden);
}

void Reader::take_lines(std::string_view bytes) {
  if (bytes.empty()) damage(0, "is empty");
  while (!bytes.empty() && !summary_.sealed) {
    ++line_;
    const size_t end = std::min(bytes.find('\n'), bytes.size() - 1) + 1;
    take_line(bytes.substr(0, end));
    bytes.remove_prefix(end);
  }
  if (!bytes.empty()) damage(line_ + 1, "lines after the seal are not accepted");
}

/// A segment that cannot be read is damage while the store answers: an error of the store as a
/// whole fails `list` too. One that comes over a network may be read the next time.
Status Reader::take_segment(const Result<std::string>& bytes) {
  line_ = 0;
  if (bytes) {
    take_lines(*bytes);
    return {};
  }
  if (store_.is_remote() && bytes.error().code != Code::kNotFound)
    return fail(
        bytes.error().code,
        fmt::format("{}; what was kept there is not known. Make it readable again, or remove "
                    "it: what it held then runs again",
                    bytes.error().text));
  MNP_CHECK(store_.list(prefix_));
  damage(0, "cannot be read: " + bytes.error().text);
  return {};
}

Result<JournalSummary> Reader::read() {
  MNP_TRY(const auto numbers, list_segments(store_, prefix_));
  std::deque<std::future<Result<std::string>>> ahead;
  auto next = numbers.begin();
  for (const uint32_t number : numbers) {
    for (; next != numbers.end() && ahead.size() < kAhead; ++next)
      ahead.push_back(std::async(store_.is_remote() ? std::launch::async : std::launch::deferred,
                                 get_segment, std::ref(store_), segment_key(prefix_, *next)));
    const auto bytes = ahead.front().get();
    ahead.pop_front();
    if (++segment_ < number) {
      damage(0, number - segment_ == 1
                    ? "is missing"
                    : fmt::format("is missing, and all up to number {}", number - 1));
      segment_ = number;
    }
    if (summary_.sealed)
      damage(0, "a segment after the seal is not accepted");
    else
      MNP_CHECK(take_segment(bytes));
  }
  summary_.segments = segment_;
  return std::move(summary_);
}

}  // namespace

Result<JournalSummary> read_journal(Store& store, const std::string& prefix,
                                    const LineCallback& each, const DamageCallback& damaged) {
  return Reader(store, prefix, each, damaged).read();
}

}  // namespace mnp::model
