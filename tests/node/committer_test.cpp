#include "mnp/node/committer.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <thread>

#include "mnp/node/publish.hpp"
#include "mnp/node/publish_lock.hpp"
#include "waiting.hpp"

namespace mnp::node {
namespace {

/// A store that can be out of reach, and counts what it is asked.
class ShakyStore : public MemoryStore {
 public:
  Status put_new(const std::string& key, std::string_view bytes) override {
    ++asked;
    const TimePoint deadline = Clock::now() + std::chrono::seconds(60);
    while (held && Clock::now() < deadline) std::this_thread::sleep_for(Milliseconds(2));
    if (failures > 0)
      --failures;
    else if (reachable)
      return MemoryStore::put_new(key, bytes);
    return fail(Code::kStore, "the store is away");
  }
  std::atomic<bool> reachable{true};
  std::atomic<bool> held{false};  // answers nothing meanwhile
  std::atomic<int> failures{0};   // that are still to come
  std::atomic<int> asked{0};
};

class CommitterTest : public testing::Test {
 protected:
  void start(Milliseconds interval = Milliseconds(5), Milliseconds patience = Milliseconds(60000)) {
    committer = std::make_unique<Committer>(
        store, "out", std::make_unique<FolderPublisher>(target), interval, patience,
        Committer::Callbacks{[this](std::vector<model::Record> some) { take(std::move(some)); },
                             [this](Error error) {
                               const std::scoped_lock lock(mutex);
                               failures.push_back(std::move(error));
                             }});
  }
  void take(std::vector<model::Record> some) {
    if (at_stored) at_stored(some);
    const std::scoped_lock lock(mutex);
    for (model::Record& record : some) stored.push_back(std::move(record));
  }
  static RanCommand ran(uint32_t command, fs::path results = {}) {
    RanCommand one;
    one.identity = command;
    one.record.command = CommandIndex(command);
    one.results = std::move(results);
    return one;
  }
  /// A command's folder with one file.
  fs::path results(const std::string& path, const std::string& text) {
    const fs::path made = folder.path() / ("slot-" + std::to_string(++slots));
    EXPECT_TRUE(create_file_once(made / path, text));
    return made;
  }
  void print(uint32_t command, const std::string& text) {
    cpu::CommandOutput output(committer->output(), CommandIndex(command), 1);
    ASSERT_TRUE(output.write(text));
  }
  std::string output_of(uint32_t command) {
    std::string text;
    (void)cpu::read_output(*store, "out", CommandIndex(command), 1,
                           [&](const cpu::OutputChunk& chunk) { text += chunk.bytes; });
    return text;
  }
  size_t stored_count() {
    const std::scoped_lock lock(mutex);
    return stored.size();
  }
  size_t failure_count() {
    const std::scoped_lock lock(mutex);
    return failures.size();
  }
  static TimePoint hang() { return Clock::now() + kHangs; }

  TemporaryFolder folder = *TemporaryFolder::create("committer-test-");
  std::shared_ptr<ShakyStore> store = std::make_shared<ShakyStore>();
  PublishTarget target{folder.path() / "results", folder.path() / "partials", std::nullopt,
                       OwnerNumber(1)};
  int slots = 0;
  std::function<void(const std::vector<model::Record>&)> at_stored;  // on the committer's thread
  std::mutex mutex;
  std::vector<model::Record> stored;
  std::vector<Error> failures;
  std::unique_ptr<Committer> committer;  // the last member: the first to go
};

TEST_F(CommitterTest, ARecordIsToldOnceResultsAndOutputAreInTheStore) {
  std::atomic<int> early{0};
  at_stored = [&](const std::vector<model::Record>& some) {
    for (const model::Record& record : some) {
      const uint32_t command = record.command.value();
      const auto file = read_file(target.results / std::to_string(command));
      if (!file || output_of(command) != "said " + std::to_string(command)) ++early;
    }
  };
  start();
  for (uint32_t i = 0; i < 200; ++i) {
    print(i, "said " + std::to_string(i));
    committer->add(ran(i, results(std::to_string(i), "made")));
  }
  ASSERT_TRUE(committer->flush(hang()));
  EXPECT_EQ(stored_count(), 200U);
  EXPECT_EQ(early, 0);
  for (uint32_t i = 0; i < 200; ++i) {
    EXPECT_EQ(stored[i].command, CommandIndex(i));
    ASSERT_EQ(stored[i].files.size(), 1U);
    EXPECT_TRUE(stored[i].success());
  }
  EXPECT_FALSE(fs::exists(folder.path() / "slot-1"));  // its folder is gone
}

TEST_F(CommitterTest, AFailedCommandPublishesNothing) {
  start();
  RanCommand failed = ran(1, results("a", "half"));
  failed.record.ending = {model::Ending::Kind::kExited, 3};
  committer->add(std::move(failed));
  ASSERT_TRUE(committer->flush(hang()));
  EXPECT_TRUE(stored.at(0).files.empty());
  EXPECT_FALSE(fs::exists(target.results));
  EXPECT_FALSE(fs::exists(folder.path() / "slot-1"));
}

TEST_F(CommitterTest, ANameThatIsTakenFailsTheCommandAlone) {
  start();
  committer->add(ran(1, results("same", "one")));
  committer->add(ran(2, results("same", "two")));
  committer->add(ran(3, results("other", "three")));
  ASSERT_TRUE(committer->flush(hang()));
  ASSERT_EQ(stored_count(), 3U);
  EXPECT_TRUE(stored[0].success());
  EXPECT_FALSE(stored[1].success());
  EXPECT_NE(stored[1].error.find("commands 1 and 2"), std::string::npos) << stored[1].error;
  EXPECT_TRUE(stored[2].success());
  EXPECT_EQ(failure_count(), 0U);
}

TEST_F(CommitterTest, AStoreThatComesBackGetsEverything) {
  // Both sides are away: objects, and the folder of results, which is a file for now.
  store->reachable = false;
  ASSERT_TRUE(create_file_once(target.results, ""));
  start();
  for (uint32_t i = 0; i < 20; ++i) {
    print(i, "said " + std::to_string(i));
    committer->add(ran(i, results(std::to_string(i), "made")));
  }
  const auto late = committer->flush(Clock::now() + Milliseconds(100));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kTimeout);
  ASSERT_TRUE(remove_tree(target.results));
  ASSERT_TRUE(eventually([&] { return store->asked > 1; }));
  EXPECT_EQ(stored_count(), 0U);
  store->reachable = true;
  ASSERT_TRUE(committer->flush(hang()));
  EXPECT_EQ(stored_count(), 20U);
  EXPECT_EQ(failure_count(), 0U);
  for (uint32_t i = 0; i < 20; ++i) {
    EXPECT_TRUE(stored[i].success()) << stored[i].error;
    EXPECT_EQ(stored[i].files.size(), 1U);
    EXPECT_EQ(output_of(i), "said " + std::to_string(i));
    EXPECT_EQ(*read_file(target.results / std::to_string(i)), "made");
  }
}

TEST_F(CommitterTest, AStoreThatStaysAwayIsToldOnce) {
  store->reachable = false;
  start(Milliseconds(5), Milliseconds(50));
  print(1, "lost");
  committer->add(ran(1));
  ASSERT_TRUE(eventually([&] { return failure_count() == 1; }));
  committer->add(ran(2));  // returns
  const auto flushed = committer->flush(hang());
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().code, Code::kStore);
  EXPECT_EQ(stored_count(), 0U);
  committer.reset();
  EXPECT_EQ(failure_count(), 1U);
}

TEST_F(CommitterTest, WaitingForTheLockIsNoFailureOfTheStore) {
  auto held = PublishLock::acquire(target.results, "another", kHangs);
  ASSERT_TRUE(held) << held.error().text;
  store->failures = 1;
  const Milliseconds patience(100);
  start(Milliseconds(5), patience);
  print(1, "said");
  committer->add(ran(1, results("a", "made")));
  std::this_thread::sleep_for(3 * patience);
  EXPECT_EQ(failure_count(), 0U);
  { const PublishLock given_back = std::move(*held); }
  const Status flushed = committer->flush(hang());
  ASSERT_TRUE(flushed) << flushed.error().text;
  EXPECT_EQ(store->failures, 0) << "nothing was tried again";
  EXPECT_EQ(stored_count(), 1U);
  EXPECT_EQ(failure_count(), 0U);
}

TEST_F(CommitterTest, TheBoundHoldsWritersBackAndAFailureFreesThem) {
  store->held = true;
  store->reachable = false;
  start(Milliseconds(1), Milliseconds(50));
  print(0, "never stored");
  std::atomic<size_t> added{0};
  std::thread writer([&] {
    for (uint32_t i = 0; i < Committer::kMaxWaiting + 10; ++i, ++added) committer->add(ran(i));
  });
  ASSERT_TRUE(eventually([&] { return added == Committer::kMaxWaiting; }));
  std::this_thread::sleep_for(Milliseconds(20));
  EXPECT_EQ(added, Committer::kMaxWaiting);
  store->held = false;
  ASSERT_TRUE(eventually([&] { return failure_count() == 1; }));
  writer.join();
  EXPECT_EQ(added, Committer::kMaxWaiting + 10);
}

TEST_F(CommitterTest, TheBoundLetsWritersOnWithEachCommit) {
  start(std::chrono::hours(1));  // only the bound makes it commit
  const size_t count = Committer::kMaxWaiting * 2 + 5;
  for (uint32_t i = 0; i < count; ++i) committer->add(ran(i));
  ASSERT_TRUE(committer->flush(hang()));
  EXPECT_EQ(stored_count(), count);
}

TEST_F(CommitterTest, OutputOfARunningCommandIsStoredWithoutItsEnd) {
  start(Milliseconds(100));
  print(5, "still at work");
  EXPECT_TRUE(eventually([&] { return output_of(5) == "still at work"; }));
  EXPECT_EQ(stored_count(), 0U);
}

TEST_F(CommitterTest, FlushDoesNotWaitForTheInterval) {
  start(std::chrono::hours(1));
  committer->add(ran(1));
  ASSERT_TRUE(eventually([&] { return stored_count() == 1; }));  // after a quiet time: at once
  committer->add(ran(2));
  ASSERT_TRUE(committer->flush(hang()));
  EXPECT_EQ(stored_count(), 2U);
}

TEST_F(CommitterTest, ManyFlushesAndWritersAtOnce) {
  start(Milliseconds(1));
  std::vector<std::thread> threads;
  std::atomic<int> bad{0};
  for (uint32_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (uint32_t i = 0; i < 50; ++i) {
        committer->add(ran(t * 50 + i));
        if (i % 10 == 0 && !committer->flush(hang())) ++bad;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(committer->flush(hang()));
  EXPECT_EQ(bad, 0);
  EXPECT_EQ(stored_count(), 200U);
}

TEST_F(CommitterTest, ItsEndStoresWhatWaits) {
  start(std::chrono::hours(1));
  committer->add(ran(1));
  committer->add(ran(2));
  committer.reset();
  EXPECT_EQ(stored.size(), 2U);
}

TEST_F(CommitterTest, AnIdleCommitterIsIdle) {
  start(Milliseconds(1));
  committer->add(ran(1));
  ASSERT_TRUE(committer->flush(hang()));
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  std::this_thread::sleep_for(Milliseconds(1200));
  ::getrusage(RUSAGE_SELF, &after);
  // A loop without a wait would switch or spin thousands of times.
  EXPECT_LT(after.ru_nvcsw - before.ru_nvcsw, 50);
  const auto cpu = [](const rusage& usage) {
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
  };
  EXPECT_LT(cpu(after) - cpu(before), 300000);
}

}  // namespace
}  // namespace mnp::node
