#include "mnp/node/publish_lock.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "mnp/node/publish.hpp"
#include "mnp/node/publish_names.hpp"
#include "waiting.hpp"

namespace mnp::node {
namespace {

constexpr Milliseconds kShort{200};  // until a holder that does nothing is put out of the way
constexpr Milliseconds kLong{3000};  // likewise; a busy machine may keep a thread from its core
constexpr Milliseconds kEver{600000};

class PublishLockTest : public testing::Test {
 protected:
  /// Another process that does this; its exit status is the value.
  pid_t start(const std::function<int()>& what) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(what());
    return pid;
  }
  static bool stopped(pid_t pid) {
    int status = 0;
    return ::waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status);
  }
  static int end_of(pid_t pid) {
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  PublishTarget target(uint32_t owner, const char* node, Milliseconds patience = kShort) const {
    PublishTarget target;
    target.results = results;
    target.partials = folder.path() / "partials" / node;
    target.owner = OwnerNumber(owner);
    target.lock_patience = patience;
    return target;
  }
  std::string published(const std::string& path) const {
    const auto text = read_file(results / path);
    return text ? *text : "<" + text.error().text + ">";
  }

  TemporaryFolder folder = *TemporaryFolder::create("publish-lock-test-");
  const fs::path results = folder.path() / "results";
};

TEST_F(PublishLockTest, OneAtATime) {
  auto first = std::make_unique<PublishLock>(*PublishLock::acquire(results, "first", kEver));
  std::atomic<bool> got{false};
  std::thread second([&] { got = PublishLock::acquire(results, "second", kEver).has_value(); });
  std::this_thread::sleep_for(Milliseconds(50));
  EXPECT_FALSE(got);
  first.reset();
  EXPECT_TRUE(eventually([&] { return got.load(); }));
  second.join();
}

TEST_F(PublishLockTest, AHolderThatDiesLeavesItFree) {
  const pid_t holder = start([&] {
    const auto lock = PublishLock::acquire(results, "dies", kEver);
    return ::raise(SIGKILL);
  });
  (void)end_of(holder);
  EXPECT_TRUE(PublishLock::acquire(results, "next", kEver));
}

TEST_F(PublishLockTest, AHolderThatMovesIsNotDisturbed) {
  auto slow = PublishLock::acquire(results, "slow", kEver);
  ASSERT_TRUE(slow);
  std::atomic<bool> got{false};
  // Longer than the pauses of a thread that has no core for a while.
  std::thread waiter(
      [&] { got = PublishLock::acquire(results, "w", Milliseconds(5000)).has_value(); });
  const TimePoint end = Clock::now() + Milliseconds(7000);
  while (Clock::now() < end) {
    ASSERT_TRUE(slow->renew());
    std::this_thread::sleep_for(Milliseconds(20));
  }
  EXPECT_FALSE(got);
  slow = PublishLock::acquire(folder.path() / "another", "slow", kEver);  // lets go of this one
  EXPECT_TRUE(eventually([&] { return got.load(); }));
  waiter.join();
  EXPECT_TRUE(fenced_folders(results, "slow").empty());
}

TEST_F(PublishLockTest, AFrozenHolderIsPutOutOfTheWayAndChangesNothingOnceItThaws) {
  const Origin lower{CommandIndex(4), OwnerNumber(1), 1, 4};
  const pid_t frozen = start([&] {
    auto names = PublishedNames::lock(results, "frozen", kEver);
    const fs::path staged = incoming_folder(results) / "frozen" / "4-1";
    if (!names || !create_file_once(staged, "lower") || !*names->may_publish("a", lower)) return 8;
    ::raise(SIGSTOP);
    const bool wrote = names->write("a", lower).has_value();
    const bool placed = ::rename(staged.c_str(), (results / "a").c_str()) == 0;
    return (wrote ? 1 : 0) + (placed ? 2 : 0);
  });
  ASSERT_TRUE(stopped(frozen));
  const fs::path from = folder.path() / "slot";
  ASSERT_TRUE(create_file_once(from / "a", "higher"));
  const auto files = publish_results(target(2, "node-1"), {from, CommandIndex(4), 1, 4});
  EXPECT_TRUE(files) << files.error().text;
  ::kill(frozen, SIGCONT);
  EXPECT_EQ(end_of(frozen), 0);
  EXPECT_EQ(published("a"), "higher");
  auto names = PublishedNames::lock(results, "look", kShort);
  ASSERT_TRUE(names) << names.error().text;
  EXPECT_FALSE(*names->may_publish("a", lower));
}

TEST_F(PublishLockTest, OfManyThatWaitOneTakesOver) {
  const pid_t frozen = start([&] {
    const auto lock = PublishLock::acquire(results, "frozen", kEver);
    return ::raise(SIGSTOP);
  });
  ASSERT_TRUE(stopped(frozen));
  std::atomic<int> holders{0}, most{0}, had{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      const auto lock = PublishLock::acquire(results, "t" + std::to_string(i), kLong);
      const int now = ++holders;
      if (now > most) most = now;
      std::this_thread::sleep_for(Milliseconds(5));
      --holders;
      if (lock) ++had;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(had, 8);
  EXPECT_EQ(most, 1);
  ::kill(frozen, SIGKILL);
  (void)end_of(frozen);
}

/// Stopped in the middle of a thousand files, some of them in their places.
TEST_F(PublishLockTest, AHolderThatThawsBringsItsFilesBackAndPublishesThemAnew) {
  constexpr int kFiles = 1500;
  const fs::path from = folder.path() / "slot";
  ASSERT_TRUE(make_folders(from));
  for (int i = 0; i < kFiles; ++i)
    ASSERT_TRUE(create_file_once(from / std::to_string(10000 + i), std::to_string(i)));
  const pid_t slow = start([&] {
    for (int tries = 1; tries < 10; ++tries) {
      const auto files = publish_results(target(1, "node-0", kEver), {from, CommandIndex(4), 1, 4});
      if (files) return files->size() == kFiles ? tries : 90;
      if (files.error().code != Code::kStore) return 91;
    }
    return 92;
  });
  ASSERT_TRUE(eventually([&] { return fs::exists(results / "10000"); }));
  ::kill(slow, SIGSTOP);
  ASSERT_TRUE(stopped(slow));
  if (fs::exists(results / std::to_string(10000 + kFiles - 1))) {
    ::kill(slow, SIGKILL);
    (void)end_of(slow);
    GTEST_SKIP() << "this machine was too fast to stop it in the middle";
  }
  const fs::path other = folder.path() / "other";
  ASSERT_TRUE(create_file_once(other / "b", "of another"));
  const auto files = publish_results(target(1, "node-1"), {other, CommandIndex(5), 1, 5});
  EXPECT_TRUE(files) << files.error().text;
  ::kill(slow, SIGCONT);
  EXPECT_EQ(end_of(slow), 2) << "tries";
  EXPECT_EQ(published("b"), "of another");
  for (int i = 0; i < kFiles; ++i)
    ASSERT_EQ(published(std::to_string(10000 + i)), std::to_string(i));
}

}  // namespace
}  // namespace mnp::node
