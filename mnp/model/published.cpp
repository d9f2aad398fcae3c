#include "mnp/model/published.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "mnp/core/text.hpp"
#include "mnp/model/history.hpp"

namespace mnp::model {
namespace {

constexpr size_t kShown = 3;  // named in a message

class Inspection {
 public:
  Inspection(Store& store, std::string results) : store_(store), results_(std::move(results)) {}

  void apply(const RecordKept& kept) {
    if (!kept.record.success()) return;
    forget(kept.record.command);
    for (const ResultFile& file : kept.record.files)
      if (!file.partial) look(file, wrong_[kept.record.command]);
    if (wrong_[kept.record.command].empty()) wrong_.erase(kept.record.command);
  }
  void apply(const Reduced& reduced) {
    count_ -= reduced_.erase(reduced.file.path);
    std::vector<WrongFile> wrong;
    look(reduced.file, wrong);
    if (!wrong.empty()) reduced_.emplace(reduced.file.path, std::move(wrong.front()));
  }
  /// A start after the success: what it published may lie there by now.
  void apply(const Dealt& dealt) {
    if (wrong_.empty()) return;
    for (const Dealt::Item& item : dealt.items) {
      const auto found = wrong_.find(item.command);
      if (found == wrong_.end()) continue;
      count_ -= std::erase_if(found->second, [](const WrongFile& file) { return file.found; });
      if (found->second.empty()) wrong_.erase(found);
    }
  }
  Result<std::vector<WrongFile>> finish() {
    MNP_CHECK(unknown_);
    std::vector<WrongFile> all;
    for (auto& [command, files] : wrong_)
      std::move(files.begin(), files.end(), std::back_inserter(all));
    for (auto& [path, file] : reduced_) all.push_back(std::move(file));
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    return all;
  }

 private:
  void look(const ResultFile& file, std::vector<WrongFile>& wrong) {
    if (count_ >= kMaxWrongFiles || !list_once()) return;
    const auto there = sizes_->find(results_ + "/" + file.path);
    if (there == sizes_->end())
      wrong.push_back({file.path, file.bytes, std::nullopt});
    else if (there->second != file.bytes)
      wrong.push_back({file.path, file.bytes, there->second});
    else
      return;
    ++count_;
  }
  bool list_once() {
    if (!sizes_ && unknown_) {
      if (auto sizes = store_.sizes(results_))
        sizes_ = std::move(*sizes);
      else
        unknown_ = fail(sizes.error());
    }
    return sizes_.has_value();
  }
  void forget(CommandIndex command) {
    const auto found = wrong_.find(command);
    if (found == wrong_.end()) return;
    count_ -= found->second.size();
    wrong_.erase(found);
  }

  Store& store_;
  const std::string results_;
  std::optional<std::map<std::string, uint64_t>> sizes_;            // of what is there, by key
  Status unknown_;                                                  // the store does not tell
  std::unordered_map<CommandIndex, std::vector<WrongFile>> wrong_;  // never an empty list
  std::map<std::string, WrongFile> reduced_;                        // by path
  size_t count_ = 0;
};

std::string text_of(const WrongFile& file) {
  if (!file.found) return file.path + " is missing";
  return fmt::format("{} has {} bytes of {}", file.path, *file.found, file.bytes);
}

}  // namespace

Result<std::vector<WrongFile>> find_wrong_files(Store& store, const StageKeys& stage,
                                                const CommandList& list) {
  Inspection inspection(store, stage.results());
  HistoryCallbacks callbacks;
  callbacks.event = [&](size_t, const Event& event) {
    std::visit(
        [&]<class T>(const T& what) {
          if constexpr (requires { inspection.apply(what); }) inspection.apply(what);
        },
        event);
  };
  MNP_TRY([[maybe_unused]] const History history, read_history(store, stage, list, callbacks));
  return inspection.finish();
}

Result<std::vector<std::string>> find_unkept_files(Store& store, const StageKeys& stage) {
  MNP_TRY(const auto keys, store.list(stage.results()));
  std::set<std::string> unkept;
  for (const std::string& key : keys)
    if (std::string path = key.substr(stage.results().size() + 1); path.front() != '.')
      unkept.insert(std::move(path));
  const auto take = [&](const JournalLine& line) {
    if (const auto* const reduced = std::get_if<Reduced>(&line.event))
      unkept.erase(reduced->file.path);
    // Of any list: what a command left that is in it no more is kept all the same.
    const auto* const kept = std::get_if<RecordKept>(&line.event);
    if (kept == nullptr || !kept->record.success()) return;
    for (const ResultFile& file : kept->record.files) unkept.erase(file.path);
  };
  if (unkept.empty()) return std::vector<std::string>{};
  MNP_TRY(const auto journals, journals_of(store, stage));
  if (journals.empty())  // a store that shows too little must cost no result
    return fail(Code::kStore, store.url(stage.attempts()) + ": the stage's journals are not there");
  for (const std::string& journal : journals) {
    MNP_TRY(const auto summary, read_journal(store, journal, take));
    if (!summary.damages.empty()) return std::vector<std::string>{};
  }
  return std::vector<std::string>(unkept.begin(), unkept.end());
}

std::string wrong_files_text(const std::string& stage, const std::vector<WrongFile>& wrong) {
  std::vector<std::string> shown;
  for (const WrongFile& file : wrong)
    if (shown.size() < kShown) shown.push_back(text_of(file));
  const size_t more = wrong.size() - shown.size();
  const bool one = wrong.size() == 1;
  return fmt::format(
      "{}{} file{} that stage {} has published {} not as it left {}: {}{}; put {} back and type "
      "`mnp resume`, or begin anew with `mnp run`",
      wrong.size(), wrong.size() < kMaxWrongFiles ? "" : " or more", one ? "" : "s", stage,
      one ? "is" : "are", one ? "it" : "them", join(shown, ", "),
      more > 0 ? fmt::format(", and {} more", more) : "", one ? "it" : "them");
}

Status check_published(Store& store, const RunKeys& run, const StagePlan& stage) {
  MNP_TRY(const auto list, open_list(store, run, stage));
  MNP_TRY(const auto wrong, find_wrong_files(store, StageKeys::of(run, stage.spec.name), list));
  if (wrong.empty()) return {};
  return fail(Code::kConfig, wrong_files_text(stage.spec.name, wrong));
}

}  // namespace mnp::model
