#include "mnp/model/ownership.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "mnp/model/journal_segments.hpp"
#include "tests/model/interleaving.hpp"
#include "tests/model/journal_fixture.hpp"

namespace mnp::model {
namespace {

const StageKeys kStage = StageKeys::of(RunKeys::of("r-1"), "process");

std::string journal_of(const std::string& job, uint32_t attempt = 1) {
  return AttemptKeys::of(kStage, job, attempt).journal();
}

TEST(Keys, AreSpelledAsDocumented) {
  EXPECT_EQ(RunKeys::of("r-1").plan(), "runs/r-1/plan.json");
  EXPECT_EQ(kStage.owners(), "runs/r-1/stages/process/owner");
  const AttemptKeys attempt = AttemptKeys::of(kStage, "job", 2);
  EXPECT_EQ(attempt.journal(), "runs/r-1/stages/process/attempts/job-2/journal");
  EXPECT_EQ(attempt.output(NodeIndex(3), Incarnation(1)),
            "runs/r-1/stages/process/attempts/job-2/output/node-0003.1");
  EXPECT_EQ(attempt.output(NodeIndex(12345), Incarnation(10)).substr(attempt.attempt.size()),
            "/output/node-12345.10");
}

TEST(Claim, NumbersFollow) {
  MemoryStore store;
  EXPECT_EQ(highest_claim(store, kStage).error().code, Code::kNotFound);
  EXPECT_EQ(claim_stage(store, kStage, "a", 1)->value(), 1u);
  EXPECT_EQ(claim_stage(store, kStage, "a", 2)->value(), 2u);
  EXPECT_EQ(claim_stage(store, kStage, "a", 2)->value(), 3u);
  EXPECT_EQ(store.list(kStage.owners())->front(), kStage.owners() + "/0001.json");
  const auto highest = highest_claim(store, kStage);
  ASSERT_TRUE(highest);
  EXPECT_EQ(highest->owner.value(), 3u);
  EXPECT_EQ(highest->job, "a");
  EXPECT_EQ(highest->attempt, 2u);
}

TEST(Claim, HighestIsByNumber) {
  MemoryStore store;
  const std::string claim = R"({"owner":1,"job":"a","attempt":1})";
  ASSERT_TRUE(store.put(kStage.owners() + "/9999.json", claim));
  ASSERT_TRUE(store.put(kStage.owners() + "/10000.json", claim));
  ASSERT_TRUE(store.put(kStage.owners() + "/notes.txt", "-"));
  EXPECT_EQ(highest_claim(store, kStage)->owner.value(), 10000u);
  EXPECT_EQ(claim_stage(store, kStage, "b", 1)->value(), 10001u);
}

TEST(Claim, AStoreThatDoesNotAnswerIsNoAbsence) {
  FaultyStore store;
  store.down = true;
  EXPECT_EQ(highest_claim(store, kStage).error().code, Code::kStore);
  EXPECT_EQ(claim_stage(store, kStage, "a", 1).error().code, Code::kStore);
  EXPECT_FALSE(journals_of(store, kStage));
}

TEST(Claim, AGarbledClaimIsAnErrorAndNoObstacle) {
  MemoryStore store;
  for (const char* text :
       {"", "{", "[]", R"({"job":1,"attempt":1})", R"({"job":"a","attempt":-1})"}) {
    ASSERT_TRUE(store.put(kStage.owners() + "/0001.json", text));
    EXPECT_EQ(highest_claim(store, kStage).error().code, Code::kProtocol) << text;
  }
  ASSERT_TRUE(write_journal(store, journal_of("a"), {{begun_of(1)}}));
  EXPECT_EQ(claim_stage(store, kStage, "b", 1)->value(), 2u);
  EXPECT_TRUE(is_seal(*store.get(segment_key(journal_of("a"), 2)))) << "found by listing";
}

TEST(Claim, SealsEarlierJournalsBehindTheirLastLine) {
  MemoryStore store;
  ASSERT_TRUE(claim_stage(store, kStage, "a", 1));
  JournalWriter writer(store, journal_of("a"));
  writer.append(begun_of(1));
  writer.append(Poisoned{CommandIndex(1), 2});
  ASSERT_TRUE(writer.commit());
  ASSERT_TRUE(claim_stage(store, kStage, "b", 1));
  writer.append(Ended{0, ""});
  EXPECT_EQ(writer.commit().error().code, Code::kSuperseded);
  const auto summary = read_journal(store, journal_of("a"), [](const JournalLine& line) {
    if (line.sequence < 3) return;
    EXPECT_EQ(std::get<Sealed>(line.event).by.value(), 2u);
  });
  EXPECT_TRUE(summary->sealed);
  EXPECT_TRUE(summary->damages.empty());
}

TEST(Claim, SealsAJournalThatHasNotBegun) {
  MemoryStore store;
  ASSERT_TRUE(claim_stage(store, kStage, "a", 1));
  ASSERT_TRUE(claim_stage(store, kStage, "a", 2));
  JournalWriter writer(store, journal_of("a", 1));
  writer.append(begun_of(1));
  EXPECT_EQ(writer.commit().error().code, Code::kSuperseded);
}

TEST(Claim, SealsOnce) {
  MemoryStore store;
  for (uint32_t attempt = 1; attempt <= 4; ++attempt)
    ASSERT_TRUE(claim_stage(store, kStage, "a", attempt));
  EXPECT_EQ(list_segments(store, journal_of("a", 1))->size(), 1u);
  EXPECT_TRUE(list_segments(store, journal_of("a", 4))->empty());
}

TEST(Claim, OutlivesLostAnswers) {
  FaultyStore store;
  store.lose_answers = 1;
  EXPECT_EQ(claim_stage(store, kStage, "a", 1)->value(), 1u);
  store.refuse_puts = 2;
  EXPECT_EQ(claim_stage(store, kStage, "a", 2)->value(), 2u);
  EXPECT_EQ(store.list(kStage.owners())->size(), 2u);
  EXPECT_EQ(list_segments(store, journal_of("a", 1))->size(), 1u);
  store.refuse_puts = 3;
  EXPECT_EQ(claim_stage(store, kStage, "a", 3).error().code, Code::kStore);
}

TEST(Claim, SealsBehindASegmentThatCannotBeRead) {
  FaultyStore store;
  ASSERT_TRUE(claim_stage(store, kStage, "a", 1));
  ASSERT_TRUE(write_journal(store, journal_of("a"), {{begun_of(1)}, {Ended{0, ""}}}));
  store.unreadable = segment_key(journal_of("a"), 2);
  EXPECT_TRUE(claim_stage(store, kStage, "b", 1));
  EXPECT_TRUE(is_seal(*store.get(segment_key(journal_of("a"), 3))));
  EXPECT_TRUE(read_journal(store, journal_of("a"), [](const JournalLine&) {})->sealed);
}

TEST(JournalsOf, AreInTheOrderOfTheirOwners) {
  MemoryStore store;
  ASSERT_TRUE(write_journal(store, journal_of("a"), {{begun_of(10)}}));
  ASSERT_TRUE(write_journal(store, journal_of("b"), {{begun_of(9)}}));
  ASSERT_TRUE(write_journal(store, journal_of("c"), {{Ended{0, "no Begun"}}}));
  ASSERT_TRUE(store.put(AttemptKeys::of(kStage, "d", 1).nodes(), "{}"));
  EXPECT_EQ(*journals_of(store, kStage),
            (std::vector<std::string>{journal_of("c"), journal_of("b"), journal_of("a")}));
}

TEST(JournalsOf, AClaimStandsInForABegunThatCannotBeRead) {
  MemoryStore store;
  ASSERT_TRUE(claim_stage(store, kStage, "b", 1));
  ASSERT_TRUE(write_journal(store, journal_of("b"), {{begun_of(1)}}));
  ASSERT_TRUE(claim_stage(store, kStage, "a", 1));
  ASSERT_TRUE(store.put(segment_key(journal_of("a"), 1), "garbled\n"));
  EXPECT_EQ(*journals_of(store, kStage),
            (std::vector<std::string>{journal_of("b"), journal_of("a")}));
}

TEST(JournalsOf, AStoreThatDoesNotAnswerIsNoDamage) {
  FaultyStore store;
  ASSERT_TRUE(claim_stage(store, kStage, "a", 1));
  ASSERT_TRUE(write_journal(store, journal_of("a"), {{begun_of(1)}}));
  store.unreadable = segment_key(journal_of("a"), 1);
  EXPECT_TRUE(journals_of(store, kStage)) << "a folder answers, and the file is damaged";
  store.remote = true;
  EXPECT_FALSE(journals_of(store, kStage));
  store.unreadable = StageKeys(kStage).owners() + "/0001.json";
  ASSERT_TRUE(store.put(segment_key(journal_of("a"), 1), "garbled\n"));
  EXPECT_FALSE(journals_of(store, kStage)) << "nobody knows whose it is";
}

TEST(JournalsOf, ListsNothingButJournals) {
  class Listed : public MemoryStore {
   public:
    Result<std::vector<std::string>> list(const std::string& prefix) override {
      prefixes.push_back(prefix);
      return MemoryStore::list(prefix);
    }
    Result<std::vector<std::string>> names(const std::string& prefix) override {
      const auto kept = prefixes;  // without what it does by `list`
      auto names = MemoryStore::names(prefix);
      prefixes = kept;
      return names;
    }
    std::vector<std::string> prefixes;
  } store;
  ASSERT_TRUE(claim_stage(store, kStage, "a", 1));
  ASSERT_TRUE(write_journal(store, journal_of("a"), {{begun_of(1)}}));
  ASSERT_TRUE(store.put(AttemptKeys::of(kStage, "a", 1).output(NodeIndex(0), Incarnation(1)), "x"));
  ASSERT_TRUE(claim_stage(store, kStage, "b", 1));
  ASSERT_EQ(journals_of(store, kStage)->size(), 1u);
  for (const std::string& prefix : store.prefixes)
    EXPECT_TRUE(prefix == kStage.owners() || prefix == journal_of("a")) << prefix;
}

/// Three mains that claim the same stage one after the other or at once, and write.
class Mains {
 public:
  static constexpr int kCommits = 2;
  struct Main {
    std::string job;
    uint32_t owner = 0;
    uint32_t acknowledged = 0;               // lines
    std::map<std::string, size_t> at_claim;  // other owners' journals when its claim returned
  };

  Mains(size_t count, std::mt19937* random, unsigned loss)
      : stepped_(store_, steps_, random, loss) {
    for (size_t i = 0; i < count; ++i) mains_.emplace_back().job = static_cast<char>('a' + i);
  }

  void run(const Interleaving::Choose& choose) {
    std::vector<std::function<void()>> bodies;
    for (Main& main : mains_) bodies.push_back([this, &main] { live(main); });
    steps_.run(bodies, choose);
  }
  /// The first main has claimed and begun before the others come.
  void begin_first() {
    Main& first = mains_.front();
    first.owner = claim_stage(store_, kStage, first.job, 1)->value();
  }

  void check() {
    std::set<uint32_t> owners;
    bool all = true;  // have claimed
    for (const Main& main : mains_) {
      if (main.owner == 0)
        all = false;
      else
        EXPECT_TRUE(owners.insert(main.owner).second);
    }
    for (const Main& main : mains_) {
      if (main.owner == 0) continue;
      EXPECT_LE(main.acknowledged, lines(main.job)) << "what is acknowledged is there";
      if (all && main.owner == *owners.rbegin()) {
        EXPECT_EQ(main.acknowledged, kCommits) << "nobody stops the highest owner";
      }
      for (const Main& later : mains_) {
        if (later.owner <= main.owner || later.at_claim.count(main.job) == 0) continue;
        EXPECT_EQ(lines(main.job), later.at_claim.at(main.job))
            << "owner " << main.owner << " committed after owner " << later.owner << " claimed";
      }
    }
  }

 private:
  void live(Main& main) {
    if (main.owner == 0) {
      const auto owner = claim_stage(stepped_, kStage, main.job, 1);
      if (!owner) return;  // as a main does; its attempt is over
      main.owner = owner->value();
    }
    for (const Main& other : mains_) main.at_claim[other.job] = lines(other.job);
    JournalWriter writer(stepped_, journal_of(main.job));
    for (uint32_t i = 0; i < kCommits; ++i) {
      writer.append(begun_of(main.owner));
      for (;;) {
        const auto done = writer.commit();
        if (done) break;
        if (done.error().code == Code::kSuperseded) return;
      }
      main.acknowledged = i + 1;
    }
  }
  /// Sound lines but seals. No step: the others stand still meanwhile.
  size_t lines(const std::string& job) {
    size_t count = 0;
    const auto summary = read_journal(store_, journal_of(job), [&](const JournalLine& line) {
      count += std::holds_alternative<Sealed>(line.event) ? 0 : 1;
    });
    EXPECT_TRUE(summary && summary->damages.empty());
    return count;
  }

  MemoryStore store_;
  Interleaving steps_;
  SteppedStore stepped_;
  std::vector<Main> mains_;
};

size_t run_every_order(size_t mains, bool begun, int preemptions) {
  EveryOrder orders(preemptions);
  size_t runs = 0;
  do {
    Mains trial(mains, nullptr, 0);
    if (begun) trial.begin_first();
    trial.run(
        [&](const std::vector<int>& waiting, int last) { return orders.choose(waiting, last); });
    trial.check();
    ++runs;
  } while (!testing::Test::HasFailure() && orders.next());
  return runs;
}

TEST(Ownership, AWriterAndAClaimerInEveryOrder) {
  EXPECT_GT(run_every_order(2, true, 1000), 100u);
}

TEST(Ownership, ThreeMainsWithTwoChangesBetweenThem) {
  EXPECT_GT(run_every_order(3, true, 2), 1000u);
}

TEST(Ownership, FourMainsInRandomOrdersWithLostRequestsAndAnswers) {
  std::mt19937 random(20260131);
  for (int i = 0; i < 1000 && !HasFailure(); ++i) {
    Mains trial(4, &random, 8);
    trial.run(
        [&](const std::vector<int>& waiting, int) { return waiting[random() % waiting.size()]; });
    trial.check();
  }
}

}  // namespace
}  // namespace mnp::model
