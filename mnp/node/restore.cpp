#include "mnp/node/restore.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "mnp/core/log.hpp"

namespace mnp::node {
namespace {

/// From a command's identity to its number today.
class Numbers {
 public:
  explicit Numbers(const std::vector<uint64_t>& identities) : identities_(identities) {}
  std::optional<CommandIndex> find(CommandIndex then, uint64_t identity) {
    if (then.value() < identities_.size() && identities_[then.value()] == identity) return then;
    if (sorted_.empty()) sort();
    const auto at = std::lower_bound(sorted_.begin(), sorted_.end(), std::pair(identity, 0u));
    if (at == sorted_.end() || at->first != identity) return std::nullopt;
    return CommandIndex(at->second);
  }

 private:
  void sort() {  // only once a list has been edited
    for (uint32_t i = 0; i < identities_.size(); ++i) sorted_.emplace_back(identities_[i], i);
    std::sort(sorted_.begin(), sorted_.end());
  }
  const std::vector<uint64_t>& identities_;
  std::vector<std::pair<uint64_t, uint32_t>> sorted_;
};

/// The event with today's numbers; nullopt when nothing of it concerns today's list.
std::optional<model::Event> translate(const model::Event& event, Numbers& numbers) {
  model::Event today = event;
  if (auto* dealt = std::get_if<model::Dealt>(&today)) {
    std::vector<model::Dealt::Item> items;
    for (auto& item : dealt->items)
      if (const auto now = numbers.find(item.command, item.identity))
        items.push_back({*now, item.start, item.identity});
    dealt->items = std::move(items);
  } else if (auto* kept = std::get_if<model::RecordKept>(&today)) {
    const auto now = numbers.find(kept->record.command, kept->identity);
    if (!now) return std::nullopt;
    kept->record.command = *now;
  } else if (auto* poisoned = std::get_if<model::Poisoned>(&today)) {
    const auto now = numbers.find(poisoned->command, poisoned->identity);
    if (!now) return std::nullopt;
    poisoned->command = *now;
  }
  return today;
}

std::string parent_of(const std::string& key) { return key.substr(0, key.rfind('/')); }

}  // namespace

Result<Restored> restore_journals(Store& store, const model::StageKeys& stage,
                                  const std::string& own, const std::vector<uint64_t>& identities,
                                  const RestoreEvent& each) {
  MNP_TRY(const auto journals, model::journals_of(store, stage));
  Numbers numbers(identities);
  Restored restored;
  for (const std::string& journal : journals) {
    if (journal == own) continue;
    const std::string attempt = parent_of(journal);
    MNP_TRY(const auto summary,
            model::read_journal(store, journal, [&](const model::JournalLine& line) {
              if (const auto event = translate(line.event, numbers)) each(*event, attempt);
            }));
    for (const model::Damage& damage : summary.damages)
      log::warning("{} line {}: {}; what it may have held is not final", damage.key, damage.line,
                   damage.what);
    ++restored.attempts;
    restored.damages += static_cast<uint32_t>(summary.damages.size());
    restored.lost_main |= !summary.ended;
    restored.last_said_goodbye = summary.ended;
  }
  return restored;
}

}  // namespace mnp::node
