#include "mnp/node/refusal_log.hpp"

#include <gtest/gtest.h>

#include <set>

namespace mnp::node {
namespace {

size_t times(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(RefusalLog, CountsEachReason) {
  testing::internal::CaptureStderr();
  RefusalLog log;
  const TimePoint now = Clock::now();
  log.add(Refusal::kKey, "10.0.0.1:1", now);
  log.add(Refusal::kKey, "10.0.0.2:1", now);
  log.add(Refusal::kClosed, "10.0.0.3:1", now);
  EXPECT_EQ(log.count(Refusal::kKey), 2U);
  EXPECT_EQ(log.count(Refusal::kClosed), 1U);
  EXPECT_EQ(log.count(Refusal::kTooSlow), 0U);
  (void)testing::internal::GetCapturedStderr();
}

TEST(RefusalLog, SaysEachReasonOnceInTenSecondsAndTheRestAtItsEnd) {
  testing::internal::CaptureStderr();
  {
    RefusalLog log;
    const TimePoint start = Clock::now();
    for (int i = 0; i < 1000; ++i)
      log.add(Refusal::kHandshake, "10.0.0.1:1", start + Milliseconds(i));
    log.add(Refusal::kHandshake, "10.0.0.9:1", start + RefusalLog::kQuiet);
    log.add(Refusal::kHandshake, "10.0.0.8:1", start + RefusalLog::kQuiet);
  }
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(times(said, "join port"), 3U) << said;
  EXPECT_EQ(times(said, "refused 1 connection(s): no proper handshake; the last from 10.0.0.1:1"),
            1U)
      << said;
  EXPECT_EQ(times(said, "refused 1000 connection(s)"), 1U) << said;
  EXPECT_EQ(times(said, "10.0.0.8:1"), 1U) << said;
}

TEST(RefusalLog, EveryReasonHasWordsOfItsOwn) {
  std::set<std::string_view> words;
  for (size_t i = 0; i < kRefusals; ++i) words.insert(to_text(static_cast<Refusal>(i)));
  EXPECT_EQ(words.size(), kRefusals);
  EXPECT_EQ(words.count("?"), 0U);
}

}  // namespace
}  // namespace mnp::node
