#include "mnp/core/log.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

namespace mnp::log {
namespace {

/// What `say` writes to standard error.
template <class Say>
std::string written(Say say) {
  testing::internal::CaptureStderr();
  say();
  return testing::internal::GetCapturedStderr();
}

class Log : public testing::Test {
 protected:
  Log() { ::unsetenv("MNP_LOG"); }
  ~Log() override {
    ::unsetenv("MNP_LOG");
    start("mnp");
  }
};

TEST_F(Log, NamesTheSpeaker) {
  start("node 3");
  const std::string text = written([] { info("joined {}", 17); });
  EXPECT_NE(text.find(" I node 3: joined 17\n"), std::string::npos) << text;
}

TEST_F(Log, SaysNothingBelowItsLevel) {
  start("x", Level::kWarning);
  EXPECT_FALSE(enabled(Level::kInfo));
  EXPECT_TRUE(enabled(Level::kError));
  EXPECT_EQ(written([] { info("quiet"); }), "");
  EXPECT_NE(written([] { warning("loud"); }).find("loud"), std::string::npos);
}

TEST_F(Log, TheEnvironmentDecides) {
  ::setenv("MNP_LOG", "debug", 1);
  start("x", Level::kError);
  EXPECT_TRUE(enabled(Level::kDebug));
  ::setenv("MNP_LOG", "error", 1);
  start("x", Level::kDebug);
  EXPECT_FALSE(enabled(Level::kWarning));
}

TEST_F(Log, TextIsNoFormat) {
  start("x");
  EXPECT_NE(written([] { write(Level::kError, "a {} b %s"); }).find("a {} b %s"),
            std::string::npos);
}

}  // namespace
}  // namespace mnp::log
