#include "mnp/core/errands.hpp"

#include <gtest/gtest.h>

#include <future>
#include <vector>

#include "tests/node/waiting.hpp"

namespace mnp {
namespace {

class ErrandsTest : public testing::Test {
 protected:
  /// The first errand, which keeps the thread busy until `go`.
  void block() {
    std::promise<void> begun;
    errands.add("first", [&, gate = go.get_future().share()] {
      begun.set_value();
      gate.wait();
    });
    begun.get_future().wait();
  }
  std::function<void()> note(int number) {
    return [this, number] { done.push_back(number); };
  }
  static TimePoint hang() { return Clock::now() + node::kHangs; }

  std::promise<void> go;
  std::vector<int> done;  // by the errands' thread until they are finished
  Errands errands;
};

TEST_F(ErrandsTest, RunInOrderOnAThreadOfTheirOwn) {
  std::thread::id where;
  errands.add("where", [&] { where = std::this_thread::get_id(); });
  for (int i = 0; i < 10; ++i) errands.add("e" + std::to_string(i), note(i));
  ASSERT_TRUE(errands.finish(hang()));
  EXPECT_EQ(done, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_NE(where, std::this_thread::get_id());
}

TEST_F(ErrandsTest, ANewOneReplacesItsNamesakeThatStillWaits) {
  block();
  errands.add("progress", note(1));
  errands.add("nodes", note(2));
  errands.add("progress", note(3));
  go.set_value();
  ASSERT_TRUE(errands.finish(hang()));
  EXPECT_EQ(done, (std::vector<int>{2, 3}));
}

TEST_F(ErrandsTest, OneUnderWayIsNotReplaced) {
  block();
  errands.add("first", note(1));
  go.set_value();
  ASSERT_TRUE(errands.finish(hang()));
  EXPECT_EQ(done, std::vector<int>{1});
}

TEST_F(ErrandsTest, FinishGivesUpAtItsDeadline) {
  block();
  errands.add("later", note(1));
  EXPECT_FALSE(errands.finish(Clock::now() + Milliseconds(20)));
  go.set_value();
  EXPECT_TRUE(errands.finish(hang()));
}

TEST(Errands, TheirEndDoesWhatStillWaits) {
  std::vector<int> done;
  {
    Errands errands;
    for (int i = 0; i < 20; ++i) errands.add(std::to_string(i), [&done, i] { done.push_back(i); });
  }
  EXPECT_EQ(done.size(), 20U);
}

}  // namespace
}  // namespace mnp
