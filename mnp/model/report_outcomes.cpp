// From the journals' events to the outcome of each command.
#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "mnp/model/history.hpp"
#include "mnp/model/report.hpp"

namespace mnp::model {
namespace {

CommandState state_of(const Record& record) {
  if (record.success()) return CommandState::kSucceeded;
  return record.ending.kind == Ending::Kind::kTimedOut ? CommandState::kTimedOut
                                                       : CommandState::kFailed;
}

/// Applies events in order.
class OutcomeReader {
 public:
  explicit OutcomeReader(size_t commands) { outcomes_.commands.resize(commands); }

  void take(size_t journal, const Event& event) {
    journal_ = static_cast<uint32_t>(journal);
    std::visit(
        [this]<class T>(const T& what) {
          if constexpr (requires { apply(what); }) apply(what);
        },
        event);
  }
  void open_failures();
  Outcomes finish(History history) {
    outcomes_.journals = std::move(history.journals);
    outcomes_.damages = std::move(history.damages);
    return std::move(outcomes_);
  }

 private:
  using Place = std::pair<uint32_t, NodeIndex>;  // journal and node: each attempt has its own nodes

  void apply(const Begun& begun) {
    if (begun.fresh_failures) open_failures();
  }
  void apply(const NodeBad& bad);
  void apply(const Dealt& dealt) {
    for (const Dealt::Item& item : dealt.items) {
      count(outcomes_.commands[item.command.value()], item.start);
      if (dealt.suspect) suspects_[item.command] = {journal_, dealt.node, dealt.incarnation};
    }
  }
  void apply(const RecordKept& kept);
  void apply(const Poisoned& poisoned);
  void open(CommandIndex command);
  static void count(Outcome& outcome, uint32_t start) {
    outcome.tries = std::max(outcome.tries, start);
  }

  Outcomes outcomes_;
  uint32_t journal_ = 0;
  std::unordered_map<CommandIndex, std::vector<Place>> failures_;  // that count, by place once
  std::set<Place> bad_;
  /// Where the last start of a suspect was: a third loss there poisons it.
  std::unordered_map<CommandIndex, std::tuple<uint32_t, NodeIndex, Incarnation>> suspects_;
};

void OutcomeReader::open(CommandIndex command) {
  Outcome& outcome = outcomes_.commands[command.value()];
  const uint32_t tries = outcome.tries;
  outcome = Outcome();
  outcome.tries = tries;
  outcomes_.errors.erase(command);
}

void OutcomeReader::open_failures() {
  for (const auto& [command, places] : failures_) open(command);
  failures_.clear();
}

void OutcomeReader::apply(const NodeBad& bad) {
  bad_.emplace(journal_, bad.node);
  for (auto at = failures_.begin(); at != failures_.end();) {
    const bool only_on_bad =
        !at->second.empty() && std::all_of(at->second.begin(), at->second.end(),
                                           [&](const Place& each) { return bad_.count(each) > 0; });
    const auto& outcome = outcomes_.commands[at->first.value()];
    if (!only_on_bad || outcome.state == CommandState::kPoisoned) {
      ++at;
      continue;
    }
    open(at->first);
    at = failures_.erase(at);
  }
}

void OutcomeReader::apply(const RecordKept& kept) {
  const Record& record = kept.record;
  Outcome& outcome = outcomes_.commands[record.command.value()];
  count(outcome, record.start);
  if (outcome.state == CommandState::kSucceeded) return;
  const Place place(journal_, record.node);
  if (!record.success() && bad_.count(place) > 0) return;
  outcome.state = state_of(record);
  outcome.journal = journal_;
  outcome.start = record.start;
  outcome.node = record.node;
  outcome.incarnation = record.incarnation;
  outcome.slot = record.slot;
  outcome.ending = record.ending;
  outcome.output_segment = record.output.segment;
  outcome.cpu_seconds = static_cast<float>(record.cpu_seconds);
  outcome.started = record.started;
  outcome.ended = record.ended;
  outcome.max_rss_kib = record.max_rss_kib;
  outcomes_.errors.erase(record.command);
  if (!record.error.empty()) outcomes_.errors[record.command] = record.error;
  if (outcome.state == CommandState::kSucceeded) {
    failures_.erase(record.command);
    return;
  }
  auto& places = failures_[record.command];
  if (std::find(places.begin(), places.end(), place) == places.end()) places.push_back(place);
}

void OutcomeReader::apply(const Poisoned& poisoned) {
  Outcome& outcome = outcomes_.commands[poisoned.command.value()];
  if (outcome.state == CommandState::kSucceeded) return;
  open(poisoned.command);
  outcome.state = CommandState::kPoisoned;
  outcome.journal = journal_;
  if (const auto last = suspects_.find(poisoned.command); last != suspects_.end())
    std::tie(outcome.journal, outcome.node, outcome.incarnation) = last->second;
  failures_.try_emplace(poisoned.command);
}

}  // namespace

uint64_t Outcomes::done() const {
  return static_cast<uint64_t>(
      std::count_if(commands.begin(), commands.end(),
                    [](const Outcome& each) { return each.state != CommandState::kWaiting; }));
}

Result<Outcomes> read_outcomes(Store& store, const StageKeys& stage, const CommandList& list) {
  OutcomeReader reader(list.size());
  MNP_TRY(History history,
          read_history(store, stage, list,
                       {[&](size_t journal, const Event& event) { reader.take(journal, event); },
                        [&](size_t, const Damage&) { reader.open_failures(); }}));
  return reader.finish(std::move(history));
}

}  // namespace mnp::model
