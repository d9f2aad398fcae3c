#include "mnp/core/clock.hpp"
#include "mnp/model/journal.hpp"
#include "mnp/model/journal_segments.hpp"

namespace mnp::model {
namespace {

/// Somebody has made the segment before us: a newer owner, or we ourselves, and the answer was
/// lost.
Status compare_with_stored(Store& store, const std::string& key, std::string_view bytes) {
  MNP_TRY(const std::string stored, store.get(key));
  if (stored == bytes) return {};
  if (is_seal(stored))
    return fail(Code::kSuperseded, "a newer main has sealed this journal with " + store.url(key));
  return fail(Code::kStore, store.url(key) + " is there already, with other content");
}

}  // namespace

JournalWriter::JournalWriter(Store& store, std::string prefix)
    : store_(store), prefix_(std::move(prefix)) {}

void JournalWriter::append(Event event) {
  append_line(buffer_, {next_sequence_++, wall_seconds(), std::move(event)});
}

Status JournalWriter::commit_segment() {
  const std::string key = segment_key(prefix_, next_segment_);
  const std::string_view bytes = std::string_view(buffer_).substr(0, offered_);
  Status done = store_.put_new(key, bytes);
  if (!done && done.error().code == Code::kExists) done = compare_with_stored(store_, key, bytes);
  if (!done && done.error().code == Code::kSuperseded) return done;
  if (!done) return fail(Code::kStore, "journal: " + done.error().text);
  buffer_.erase(0, std::exchange(offered_, 0));
  ++next_segment_;
  return {};
}

Status JournalWriter::commit() {
  // What was offered once and not answered is offered again as it was: it may be there already.
  if (offered_ > 0) MNP_CHECK(commit_segment());
  offered_ = buffer_.size();
  return offered_ > 0 ? commit_segment() : Status{};
}

}  // namespace mnp::model
