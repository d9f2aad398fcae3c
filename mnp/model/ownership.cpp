#include "mnp/model/ownership.hpp"

#include <algorithm>
#include <charconv>
#include <random>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "mnp/core/clock.hpp"
#include "mnp/core/log.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/journal.hpp"
#include "mnp/model/journal_segments.hpp"

namespace mnp::model {
namespace {

constexpr int kMaxTries = 1000;  // of a create-if-absent: each miss means that somebody was faster
constexpr int kAnswerTries = 3;  // of one creation whose answer is lost
constexpr std::string_view kSuffix = ".json";

std::string claim_key(const StageKeys& stage, uint32_t number) {
  return fmt::format("{}/{:04}{}", stage.owners(), number, kSuffix);
}

std::optional<uint32_t> claim_number(std::string_view name) {
  if (name.size() <= kSuffix.size() || name.substr(name.size() - kSuffix.size()) != kSuffix)
    return std::nullopt;
  name.remove_suffix(kSuffix.size());
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number == 0) return std::nullopt;
  return number;
}

/// Ascending.
Result<std::vector<uint32_t>> list_claims(Store& store, const StageKeys& stage) {
  MNP_TRY(const auto keys, store.list(stage.owners()));
  std::vector<uint32_t> numbers;
  for (const std::string& key : keys)
    if (const auto number = claim_number(std::string_view(key).substr(stage.owners().size() + 1)))
      numbers.push_back(*number);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

/// Creates an object that nobody else writes the same way. After a lost answer it is offered again
/// and what is there is compared. kExists: it is somebody else's; kStore: nobody knows.
Status create(Store& store, const std::string& key, std::string_view bytes) {
  Status done;
  for (int i = 0; i < kAnswerTries; ++i) {
    done = store.put_new(key, bytes);
    if (done) return done;
    if (done.error().code != Code::kExists) continue;
    const auto there = store.get(key);
    if (there && *there == bytes) return {};
    return there ? done : Status(fail(Code::kStore, there.error().text));
  }
  return fail(Code::kStore, done.error().text);
}

/// `nonce` tells two claims of one attempt apart when an answer was lost.
std::string claim_to_json(const Claim& claim, const std::string& nonce) {
  nlohmann::ordered_json json;
  json["owner"] = claim.owner.value();
  json["job"] = claim.job;
  json["attempt"] = claim.attempt;
  json["time"] = iso_time(wall_seconds());
  json["nonce"] = nonce;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string new_nonce() {
  std::random_device random;
  return hex64(uint64_t{random()} << 32 | random());
}

Result<Claim> read_claim(Store& store, const StageKeys& stage, uint32_t number) {
  const std::string key = claim_key(stage, number);
  const auto text = store.get(key);
  if (!text) return fail(Code::kStore, "claim " + key + ": " + text.error().text);
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  const auto member = [&](const char* name) {
    return json.is_object() && json.contains(name) ? json[name] : nlohmann::json();
  };
  const auto job = member("job"), attempt = member("attempt");
  if (!job.is_string() || !attempt.is_number_unsigned())
    return fail(Code::kProtocol, "claim " + key + " has no job and attempt");
  return Claim{OwnerNumber(number), job.get<std::string>(), attempt.get<uint32_t>()};
}

Result<OwnerNumber> create_claim(Store& store, const StageKeys& stage, Claim claim) {
  const std::string nonce = new_nonce();
  for (int i = 0; i < kMaxTries; ++i) {
    MNP_TRY(const auto numbers, list_claims(store, stage));
    const uint32_t number = numbers.empty() ? 1 : numbers.back() + 1;
    claim.owner = OwnerNumber(number);
    const std::string bytes = claim_to_json(claim, nonce);
    const std::string key = claim_key(stage, number);
    const auto created = create(store, key, bytes);
    if (created) return claim.owner;
    if (created.error().code != Code::kExists) return fail(created.error().within("claim"));
  }
  return fail(Code::kStore, "claim: " + stage.owners() + ": others are always faster");
}

/// What the seal's number should be, from the journal's last segment; 0: cannot be known.
uint64_t sequence_after(std::string_view segment) {
  uint64_t last = 0;
  while (!segment.empty()) {
    const size_t end = std::min(segment.find('\n'), segment.size() - 1) + 1;
    if (const auto line = decode_line(segment.substr(0, end))) last = line->sequence;
    segment.remove_prefix(end);
  }
  return last == 0 ? 0 : last + 1;
}

Status seal(Store& store, const std::string& prefix, OwnerNumber by) {
  for (int i = 0; i < kMaxTries; ++i) {
    MNP_TRY(const auto numbers, list_segments(store, prefix));
    uint64_t sequence = 1;
    if (!numbers.empty()) {
      const auto last = store.get(segment_key(prefix, numbers.back()));
      if (last && is_seal(*last)) return {};
      sequence = last ? sequence_after(*last) : 0;  // a segment that cannot be read is no obstacle
    }
    const uint32_t number = numbers.empty() ? 1 : numbers.back() + 1;
    const auto created = create(store, segment_key(prefix, number),
                                encode_line({sequence, wall_seconds(), Sealed{by}}));
    if (created) return {};
    if (created.error().code != Code::kExists) return fail(created.error().within("seal"));
  }
  return fail(Code::kStore, "seal: " + prefix + " grows faster than it can be sealed");
}

/// Journals that are there. An attempt may hold a million objects beside its journal.
Result<std::set<std::string>> list_journals(Store& store, const StageKeys& stage) {
  MNP_TRY(const auto attempts, store.names(stage.attempts()));
  std::set<std::string> prefixes;
  for (const std::string& attempt : attempts) {
    const std::string prefix = fmt::format("{}/{}/journal", stage.attempts(), attempt);
    MNP_TRY(const auto segments, list_segments(store, prefix));
    if (!segments.empty()) prefixes.insert(prefix);
  }
  return prefixes;
}

std::string journal_of(const StageKeys& stage, const Claim& claim) {
  return AttemptKeys::of(stage, claim.job, claim.attempt).journal();
}

/// Every journal but our own and those of later owners. One that is not there yet is sealed all
/// the same: its owner may be about to write its first segment.
Status seal_earlier(Store& store, const StageKeys& stage, const Claim& own) {
  // Journals before claims: then the claim of every journal that is listed is there.
  MNP_TRY(auto journals, list_journals(store, stage));
  MNP_TRY(const auto numbers, list_claims(store, stage));
  std::vector<std::string> later;
  for (const uint32_t number : numbers) {
    if (number == own.owner.value()) continue;
    const auto claim = read_claim(store, stage, number);
    if (!claim && claim.error().code != Code::kProtocol) return fail(claim.error());
    if (!claim)
      log::warning("{}", claim.error().text);
    else if (number < own.owner.value())
      journals.insert(journal_of(stage, *claim));
    else
      later.push_back(journal_of(stage, *claim));
  }
  for (const std::string& journal : later) journals.erase(journal);
  journals.erase(journal_of(stage, own));
  for (const std::string& journal : journals) MNP_CHECK(seal(store, journal, own.owner));
  return {};
}

}  // namespace

Result<std::optional<Begun>> first_event(Store& store, const std::string& journal) {
  const auto segment = store.get(segment_key(journal, 1));
  if (!segment && segment.error().code != Code::kNotFound && store.is_remote())
    return fail(segment.error());
  if (!segment) return std::nullopt;
  const auto line = decode_line(std::string_view(*segment).substr(0, segment->find('\n') + 1));
  if (!line || !std::holds_alternative<Begun>(line->event)) return std::nullopt;
  return std::get<Begun>(line->event);
}

std::string AttemptKeys::output(NodeIndex node, Incarnation incarnation) const {
  return fmt::format("{}/output/node-{:04}.{}", attempt, node.value(), incarnation.value());
}

Result<OwnerNumber> claim_stage(Store& store, const StageKeys& stage, const std::string& job,
                                uint32_t attempt) {
  Claim own{OwnerNumber(), job, attempt};
  MNP_TRY(own.owner, create_claim(store, stage, own));
  MNP_CHECK(seal_earlier(store, stage, own));
  return own.owner;
}

Result<Claim> highest_claim(Store& store, const StageKeys& stage) {
  MNP_TRY(const auto numbers, list_claims(store, stage));
  if (numbers.empty()) return fail(Code::kNotFound, stage.owners() + ": no claim");
  return read_claim(store, stage, numbers.back());
}

Result<std::vector<std::string>> journals_of(Store& store, const StageKeys& stage) {
  MNP_TRY(const auto prefixes, list_journals(store, stage));
  std::vector<std::pair<OwnerNumber, std::string>> journals;
  bool unknown = false;
  for (const std::string& prefix : prefixes) {
    MNP_TRY(const auto begun, first_event(store, prefix));
    journals.emplace_back(begun ? begun->owner : OwnerNumber(), prefix);
    unknown = unknown || journals.back().first == OwnerNumber();
  }
  if (unknown) {  // then the claim that names the attempt says whose it is
    MNP_TRY(const auto numbers, list_claims(store, stage));
    for (const uint32_t number : numbers) {
      const auto claim = read_claim(store, stage, number);
      if (!claim && claim.error().code != Code::kProtocol) return fail(claim.error());
      if (!claim) continue;
      for (auto& [owner, prefix] : journals)
        if (owner == OwnerNumber() && prefix == journal_of(stage, *claim)) owner = claim->owner;
    }
  }
  std::sort(journals.begin(), journals.end());
  std::vector<std::string> ordered;
  for (auto& [owner, prefix] : journals) ordered.push_back(std::move(prefix));
  return ordered;
}

}  // namespace mnp::model
