#include "mnp/node/journal_thread.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "waiting.hpp"

namespace mnp::node {
namespace {

/// Counts commits; can be away, or sealed by a newer owner.
class CountingStore : public MemoryStore {
 public:
  Status put_new(const std::string& key, std::string_view bytes) override {
    ++asked;
    if (!reachable) return fail(Code::kStore, "the store is away");
    return MemoryStore::put_new(key, bytes);
  }
  std::atomic<bool> reachable{true};
  std::atomic<int> asked{0};
};

class JournalThreadTest : public testing::Test {
 protected:
  void start(Milliseconds interval = Milliseconds(5), Milliseconds patience = Milliseconds(60000)) {
    journal = std::make_unique<JournalThread>(
        model::JournalWriter(store, "journal"), interval, patience,
        JournalThread::Callbacks{[this](uint64_t through) {
                                   if (through <= committed.exchange(through)) ++disorder;
                                   ++commits;
                                 },
                                 [this](Error error) {
                                   code = error.code;
                                   ++failures;
                                 }});
  }
  static model::Event event(uint32_t node) {
    return model::NodeJoined{NodeIndex(node), Incarnation(1), "host", 2};
  }
  std::vector<uint32_t> in_store() {
    std::vector<uint32_t> nodes;
    const auto read = model::read_journal(store, "journal", [&](const model::JournalLine& line) {
      if (const auto* joined = std::get_if<model::NodeJoined>(&line.event))
        nodes.push_back(joined->node.value());
    });
    EXPECT_TRUE(read && read->damages.empty());
    return nodes;
  }
  static TimePoint hang() { return Clock::now() + kHangs; }

  CountingStore store;
  std::atomic<uint64_t> committed{0};
  std::atomic<int> commits{0}, disorder{0}, failures{0};
  std::atomic<Code> code{Code::kBug};
  std::unique_ptr<JournalThread> journal;
};

TEST_F(JournalThreadTest, EventsComeBackAsCommittedInTheirOrder) {
  start();
  for (uint32_t i = 0; i < 500; ++i) EXPECT_EQ(journal->append(event(i)), i + 1);
  ASSERT_TRUE(journal->flush(hang()));
  ASSERT_TRUE(eventually([&] { return committed == 500; }));
  const auto nodes = in_store();
  ASSERT_EQ(nodes.size(), 500U);
  for (uint32_t i = 0; i < 500; ++i) EXPECT_EQ(nodes[i], i);
  EXPECT_EQ(disorder, 0);
  EXPECT_LT(commits, 500);  // in groups
}

TEST_F(JournalThreadTest, AcknowledgesNothingThatIsNotInTheStore) {
  store.reachable = false;
  start();
  journal->append(event(1));
  ASSERT_TRUE(eventually([&] { return store.asked > 1; }));
  EXPECT_EQ(commits, 0);
  const auto late = journal->flush(Clock::now() + Milliseconds(20));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kTimeout);
  journal->append(event(2));
  store.reachable = true;
  ASSERT_TRUE(journal->flush(hang()));
  EXPECT_EQ(in_store(), (std::vector<uint32_t>{1, 2}));
  EXPECT_EQ(failures, 0);
}

TEST_F(JournalThreadTest, AStoreThatStaysAwayIsToldOnce) {
  store.reachable = false;
  start(Milliseconds(1), Milliseconds(50));
  journal->append(event(1));
  ASSERT_TRUE(eventually([&] { return failures == 1; }));
  EXPECT_EQ(code, Code::kStore);
  EXPECT_EQ(journal->append(event(2)), 2U);
  const auto flushed = journal->flush(hang());
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().code, Code::kStore);
  journal.reset();
  EXPECT_EQ(failures, 1);
  EXPECT_EQ(commits, 0);
}

TEST_F(JournalThreadTest, ASealIsToldAtOnceAndNothingIsAcknowledged) {
  model::JournalWriter newer(store, "journal");
  newer.append(model::Sealed{OwnerNumber(2)});
  ASSERT_TRUE(newer.commit());
  start();
  journal->append(event(1));
  ASSERT_TRUE(eventually([&] { return failures == 1; }));
  EXPECT_EQ(code, Code::kSuperseded);
  EXPECT_EQ(journal->flush(hang()).error().code, Code::kSuperseded);
  EXPECT_EQ(commits, 0);
}

TEST_F(JournalThreadTest, AfterAQuietTimeAnEventIsCommittedAtOnce) {
  start(std::chrono::hours(1));
  journal->append(event(1));
  EXPECT_TRUE(journal->flush(hang()));
}

TEST_F(JournalThreadTest, ItsEndCommitsWhatWaits) {
  start(std::chrono::hours(1));
  journal->append(event(1));
  ASSERT_TRUE(eventually([&] { return committed == 1; }));
  journal->append(event(2));
  journal.reset();
  EXPECT_EQ(in_store(), (std::vector<uint32_t>{1, 2}));
  EXPECT_EQ(committed, 2U);
}

TEST_F(JournalThreadTest, ManyThreadsMayAppend) {
  start(Milliseconds(1));
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (uint32_t i = 0; i < 100; ++i) journal->append(event(t * 100 + i));
      (void)journal->flush(hang());
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(in_store().size(), 400U);
}

}  // namespace
}  // namespace mnp::node
