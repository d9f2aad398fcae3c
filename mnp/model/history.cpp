#include "mnp/model/history.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

namespace mnp::model {
namespace {

/// From a command's identity to its place in today's list. Lists are seldom edited: the place
/// that the journal says is looked at first, and the index is only made when that fails.
class Translation {
 public:
  explicit Translation(const CommandList& list) : identities_(list.identities()) {}

  std::optional<CommandIndex> find(CommandIndex said, uint64_t identity) {
    if (said.value() < identities_.size() && identities_[said.value()] == identity) return said;
    if (order_.size() != identities_.size()) sort();
    const auto found = std::lower_bound(
        order_.begin(), order_.end(), identity,
        [this](uint32_t index, uint64_t wanted) { return identities_[index] < wanted; });
    if (found == order_.end() || identities_[*found] != identity) return std::nullopt;
    return CommandIndex(*found);
  }

 private:
  void sort() {
    order_.resize(identities_.size());
    std::iota(order_.begin(), order_.end(), 0u);
    std::sort(order_.begin(), order_.end(),
              [this](uint32_t a, uint32_t b) { return identities_[a] < identities_[b]; });
  }
  std::vector<uint64_t> identities_;
  std::vector<uint32_t> order_;  // of the list's commands by identity
};

class HistoryReader {
 public:
  HistoryReader(const CommandList& list, const HistoryCallbacks& callbacks)
      : translation_(list), callbacks_(callbacks) {}
  Result<History> read(Store& store, const StageKeys& stage);

 private:
  void take(const Event& event);
  void take_begun(Begun begun);
  void pass(const Event& event) { callbacks_.event(journal_, event); }
  std::optional<CommandIndex> today(CommandIndex said, uint64_t identity);

  Translation translation_;
  const HistoryCallbacks& callbacks_;
  History history_;
  size_t journal_ = 0;
  bool begun_ = false;  // this journal's first event has been passed on
  bool dealt_ = false;  // this journal's owner has: nothing of earlier ones ran any more
  Milliseconds silent_{0};
};

void HistoryReader::take_begun(Begun begun) {
  begun.fresh_failures = begun.fresh_failures || history_.failures_unsure;
  history_.failures_unsure = false;
  begun_ = true;
  pass(begun);
}

std::optional<CommandIndex> HistoryReader::today(CommandIndex said, uint64_t identity) {
  const auto now = translation_.find(said, identity);
  if (now != said && callbacks_.moved) callbacks_.moved(journal_, said, now);
  return now;
}

void HistoryReader::take(const Event& event) {
  if (const auto* const begun = std::get_if<Begun>(&event)) return take_begun(*begun);
  if (!begun_) take_begun({});
  if (const auto* const record = std::get_if<RecordKept>(&event)) {
    dealt_ = true;
    const auto place = today(record->record.command, record->identity);
    if (!place) return;
    if (callbacks_.record) callbacks_.record(journal_, record->record, *place);
    if (place == record->record.command) return pass(event);
    RecordKept translated = *record;
    translated.record.command = *place;
    return pass(std::move(translated));
  }
  if (const auto* const poisoned = std::get_if<Poisoned>(&event)) {
    if (const auto place = today(poisoned->command, poisoned->identity))
      pass(Poisoned{*place, poisoned->identity});
    return;
  }
  if (const auto* const dealt = std::get_if<Dealt>(&event)) {
    dealt_ = true;
    Dealt translated{dealt->node, dealt->incarnation, {}, dealt->suspect};
    for (const Dealt::Item& item : dealt->items)
      if (const auto place = today(item.command, item.identity))
        translated.items.push_back({*place, item.start, item.identity});
    return pass(std::move(translated));
  }
  if (const auto* const ended = std::get_if<Ended>(&event))
    silent_ = Milliseconds(static_cast<int64_t>(std::ceil(ended->silent * 1000)));
  pass(event);
}

Result<History> HistoryReader::read(Store& store, const StageKeys& stage) {
  MNP_TRY(history_.journals, journals_of(store, stage));
  for (journal_ = 0; journal_ < history_.journals.size(); ++journal_) {
    begun_ = dealt_ = false;
    silent_ = Milliseconds(0);
    bool damaged = false;
    MNP_TRY(const auto summary, read_journal(
                                    store, history_.journals[journal_],
                                    [this](const JournalLine& line) { take(line.event); },
                                    [&](const Damage& damage) {
                                      if (!begun_) take_begun({});
                                      damaged = true;
                                      if (callbacks_.damage) callbacks_.damage(journal_, damage);
                                    }));
    if (!begun_) take_begun({});
    history_.damages.insert(history_.damages.end(), summary.damages.begin(), summary.damages.end());
    history_.failures_unsure = damaged;
    // An owner that has dealt nothing says nothing of what an earlier one may have left running.
    const bool earlier = journal_ == 0 || dealt_ || history_.goodbye;
    history_.goodbye = summary.ended && !damaged && earlier;
    history_.silent = dealt_ ? silent_ : std::max(silent_, history_.silent);
  }
  return std::move(history_);
}

}  // namespace

Result<History> read_history(Store& store, const StageKeys& stage, const CommandList& list,
                             const HistoryCallbacks& callbacks) {
  return HistoryReader(list, callbacks).read(store, stage);
}

}  // namespace mnp::model
