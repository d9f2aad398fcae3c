#include "mnp/node/daemons.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "mnp/core/files.hpp"
#include "mnp/core/text.hpp"
#include "node_orphans.hpp"
#include "waiting.hpp"

namespace mnp::node {
namespace {

class DaemonsTest : public testing::Test {
 protected:
  Status start(uint64_t id, uint32_t epoch, const std::string& line) {
    cpu::Start wanted;
    wanted.line = line;
    wanted.extra = {"PATH=/usr/local/bin:/usr/bin:/bin"};
    return daemons->start(id, EpochNumber(epoch), wanted,
                          {[this](std::string_view bytes) {
                             const std::scoped_lock lock(mutex);
                             output += bytes;
                             return true;
                           },
                           [this, id](const cpu::Finished& finished) {
                             const std::scoped_lock lock(mutex);
                             endings[id] = finished.ending;
                           }});
  }
  std::string said() {
    const std::scoped_lock lock(mutex);
    return output;
  }
  bool ended(uint64_t id) {
    const std::scoped_lock lock(mutex);
    return endings.count(id) != 0;
  }
  model::Ending ending(uint64_t id) {
    EXPECT_TRUE(eventually([&] { return ended(id); }));
    const std::scoped_lock lock(mutex);
    return endings[id];
  }
  void end_epoch(uint32_t epoch) {
    std::atomic<bool> done{false};
    daemons->end_epoch(EpochNumber(epoch), [&] { done = true; });
    ASSERT_TRUE(eventually([&] { return done.load(); }));
  }
  std::string note(const std::string& name) const { return (folder.path() / name).string(); }
  bool noted(const std::string& name) const {
    const auto text = read_file(note(name));
    return text && !text->empty();
  }
  bool alive(const std::string& name) const {
    const auto words = read_file("/proc/" + std::string(trim(*read_file(note(name)))) + "/cmdline");
    return words && words->find(folder.path().string()) != std::string::npos;
  }
  /// A line that notes its pid in a session of its own and stays for ever.
  std::string staying(const std::string& name) const {
    return "setsid sh -c 'trap : TERM; echo $$ > " + note(name) + "; while :; do sleep 1; done' " +
           note("mark") + " ";
  }

  TemporaryFolder folder = *TemporaryFolder::create("daemons-test-");
  std::mutex mutex;
  std::string output;
  std::map<uint64_t, model::Ending> endings;
  std::unique_ptr<Daemons> daemons = std::make_unique<Daemons>(shared_orphans());
};

TEST_F(DaemonsTest, HandsOutputOnAsItComesAndThenTheEnd) {
  ASSERT_TRUE(
      start(1, 1, "echo up; while ! test -e " + note("go") + "; do sleep 0.01; done; exit 7"));
  ASSERT_TRUE(eventually([&] { return said() == "up\n"; }));
  EXPECT_FALSE(ended(1));
  ASSERT_TRUE(create_file_once(note("go"), ""));
  EXPECT_EQ(ending(1), (model::Ending{model::Ending::Kind::kExited, 7}));
  end_epoch(1);
}

TEST_F(DaemonsTest, ADaemonKnowsItsEpoch) {
  ASSERT_TRUE(start(1, 42, "echo $MNP_EPOCH"));
  ending(1);
  EXPECT_EQ(said(), "42\n");
  end_epoch(42);
}

TEST_F(DaemonsTest, StopKillsOne) {
  ASSERT_TRUE(start(1, 1, "echo 1; sleep 300"));
  ASSERT_TRUE(start(2, 1, "echo 2; sleep 300"));
  ASSERT_TRUE(eventually([&] { return said().size() == 4; }));
  daemons->stop(1);
  EXPECT_EQ(ending(1), (model::Ending{model::Ending::Kind::kSignalled, 9}));
  EXPECT_FALSE(ended(2));
  daemons->stop(1);   // has ended
  daemons->stop(99);  // never was
  end_epoch(1);
  EXPECT_TRUE(ended(2));
}

TEST_F(DaemonsTest, TheEndOfAnEpochLeavesNothingOfIt) {
  ASSERT_TRUE(start(1, 1, staying("deep") + "& " + staying("front")));
  ASSERT_TRUE(start(2, 2, "echo $$ > " + note("other") + "; sleep 300; : " + note("mark")));
  ASSERT_TRUE(eventually([&] { return noted("deep") && noted("front") && noted("other"); }));
  end_epoch(1);
  EXPECT_FALSE(alive("deep"));
  EXPECT_FALSE(alive("front"));
  EXPECT_TRUE(alive("other"));
  EXPECT_FALSE(ended(2));
  end_epoch(2);
  EXPECT_FALSE(alive("other"));
}

TEST_F(DaemonsTest, AnEpochWithoutDaemonsEndsToo) {
  end_epoch(5);
}

TEST_F(DaemonsTest, NothingOfAnEndedEpochIsStarted) {
  end_epoch(3);
  for (const uint32_t epoch : {1U, 2U, 3U}) {
    const auto late = start(epoch, epoch, "touch " + note("late"));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, Code::kDenied);
  }
  EXPECT_TRUE(start(4, 4, "true"));
  ending(4);
  EXPECT_FALSE(fs::exists(note("late")));
}

TEST_F(DaemonsTest, AnIdIsUsedOnceAtATime) {
  ASSERT_TRUE(start(1, 1, "sleep 300"));
  const auto again = start(1, 1, "true");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kProtocol);
  end_epoch(1);
  ending(1);
}

TEST_F(DaemonsTest, ItsEndLeavesNothing) {
  ASSERT_TRUE(start(1, 1, staying("deep") + "& " + staying("front")));
  ASSERT_TRUE(eventually([&] { return noted("deep") && noted("front"); }));
  daemons.reset();
  EXPECT_TRUE(ended(1));
  EXPECT_FALSE(alive("deep"));
  EXPECT_FALSE(alive("front"));
}

TEST_F(DaemonsTest, ManyAreForgottenOneAfterTheOther) {
  for (uint64_t id = 1; id <= 30; ++id) {
    ASSERT_TRUE(start(id, 1, "exit 0"));
    EXPECT_EQ(ending(id), (model::Ending{model::Ending::Kind::kExited, 0}));
  }
  end_epoch(1);
}

/// Each epoch's end has a thread; an unjoined one keeps its stack.
TEST_F(DaemonsTest, ManyEpochsLeaveNoThreadsBehind) {
  const auto mapped_kib = [] {
    const std::string status = *read_file("/proc/self/status");
    return std::stoll(status.substr(status.find("VmSize:") + 7));
  };
  for (uint32_t epoch = 1; epoch <= 10; ++epoch) end_epoch(epoch);
  const auto before = mapped_kib();
  for (uint32_t epoch = 11; epoch <= 110; ++epoch) end_epoch(epoch);
  EXPECT_LT(mapped_kib() - before, 300 * 1024);  // a hundred stacks of 8 MiB are 800
}

}  // namespace
}  // namespace mnp::node
