#include "aws/crew.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "mnp/core/clock.hpp"

namespace mnp::aws {
namespace {

TEST(Crew, DoesEverythingAndWhatThatAdds) {
  std::atomic<int> done{0};
  Crew crew(4);
  for (int i = 0; i < 500; ++i)
    crew.add([&]() -> Status {
      ++done;
      crew.add_from_task([&]() -> Status {
        ++done;
        return {};
      });
      return {};
    });
  ASSERT_TRUE(crew.finish());
  EXPECT_EQ(done, 1000);
}

TEST(Crew, TheFirstFailureDropsTheRest) {
  std::atomic<int> done{0};
  Crew crew(2);
  for (int i = 0; i < 1000; ++i)
    crew.add([&, i]() -> Status {
      ++done;
      const TimePoint deadline = Clock::now() + std::chrono::seconds(60);
      while (i > 3 && !crew.failed() && Clock::now() < deadline) std::this_thread::yield();
      return i == 3 ? Status(fail(Code::kIo, "three")) : Status();
    });
  const auto outcome = crew.finish();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().text, "three");
  EXPECT_TRUE(crew.failed());
  EXPECT_LE(done, 5) << "the other worker may have begun one";
}

TEST(Crew, WithoutWorkItIsDone) {
  Crew crew(3);
  EXPECT_TRUE(crew.finish());
}

TEST(Crew, MayGoWithWorkLeft) {
  Crew crew(1);
  for (int i = 0; i < 10; ++i) crew.add([]() -> Status { return {}; });
}

}  // namespace
}  // namespace mnp::aws
