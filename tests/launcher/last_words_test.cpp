#include "launcher/last_words.hpp"

#include <gtest/gtest.h>

namespace mnp::launcher {
namespace {

class LastWords : public testing::Test {
 protected:
  void log(int attempt, int node, const std::string& text) {
    const auto keys = model::AttemptKeys::of(run.stage("one"), "job", attempt);
    ASSERT_TRUE(
        run.store->put(keys.attempt + "/log/node-000" + std::to_string(node) + ".log", text));
  }
  using Lines = std::vector<std::string>;

  TemporaryFolder folder = *TemporaryFolder::create("last-words-test-");
  RunFolder run = run_folder(folder.path(), "demo-20260131-142501-k3f9");
};

constexpr char kTime[] = "2026-11-25T23:20:33.017 ";

TEST_F(LastWords, AreErrorsAndForeignLinesOnce) {
  log(1, 0,
      std::string(kTime) + "E node 0: twice\n" + kTime + "I node 0: joined\n" + kTime +
          "W node 0: slow\n\n" + "mnp-node: libfoo.so: cannot open shared object file\n" + kTime +
          "E node 0: twice\n");
  EXPECT_EQ(last_words(run, "one"),
            (Lines{"mnp-node: libfoo.so: cannot open shared object file", "node 0: twice"}));
}

TEST_F(LastWords, AreTheLastThreeOfTheMainNodeInItsNewestAttempt) {
  log(1, 0, "old\n");
  log(1, 1, "of a child\n");
  log(2, 0, "1\n2\n3\n4\n");
  EXPECT_EQ(last_words(run, "one"), (Lines{"2", "3", "4"}));
}

TEST_F(LastWords, AreFewBytesOfALongLog) {
  log(1, 0, std::string(200000, 'x') + "\nlast\n" + std::string(2000, 'y') + "\n");
  EXPECT_EQ(last_words(run, "one"), (Lines{"last", std::string(600, 'y')}));
}

TEST_F(LastWords, AreNoneWithoutALog) {
  EXPECT_EQ(last_words(run, "one"), Lines());
  log(1, 0, "");
  EXPECT_EQ(last_words(run, "one"), Lines());
}

TEST_F(LastWords, StoreWithRoomIsNotCalledFull) {
  EXPECT_EQ(full_store(run), "");
}

}  // namespace
}  // namespace mnp::launcher
