#include "mnp/core/result.hpp"

#include <cerrno>
#include <set>

#include <gtest/gtest.h>

namespace mnp {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return fail(Code::kConfig, "odd");
  return value / 2;
}
Result<int> quarter(int value) {
  MNP_TRY(const int first, half(value));
  MNP_TRY(const int second, half(first));
  return second;
}
Status must_be_even(int value) {
  MNP_CHECK(half(value));
  return {};
}

TEST(Result, TryPassesErrorsOn) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().text, "odd");
  EXPECT_EQ(quarter(6).error().code, Code::kConfig);
  EXPECT_TRUE(must_be_even(2));
  EXPECT_FALSE(must_be_even(3));
}

TEST(Error, GrowsOutward) {
  const Error error{Code::kStore, "403"};
  EXPECT_EQ(error.within("batch").within("submit").text, "submit: batch: 403");
  EXPECT_EQ(error.within("batch").code, Code::kStore);
}

TEST(FailErrno, TellsAbsenceAndPresence) {
  const auto code = [](int number) {
    errno = number;
    const Status status = fail_errno("open x");
    return status.error().code;
  };
  EXPECT_EQ(code(ENOENT), Code::kNotFound);
  EXPECT_EQ(code(EEXIST), Code::kExists);
  EXPECT_EQ(code(EIO), Code::kIo);
  errno = EACCES;
  const Status status = fail_errno("open x");
  EXPECT_EQ(status.error().text, "open x: Permission denied");
}

TEST(CodeInfo, NamesAreDistinctAndStatusesDocumented) {
  std::set<std::string_view> names;
  const std::set<int> documented = {2, 10, 11, 12, 20, 30, 31, 32, 34, 40, 70};
  for (int i = 0; i <= static_cast<int>(Code::kBug); ++i) {
    const CodeInfo& info = code_info(static_cast<Code>(i));
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_EQ(documented.count(info.exit_status), 1u) << info.name;
    EXPECT_EQ(info.retry, info.exit_status / 10 == 3) << info.name << ": Batch retries 3x only";
  }
}

TEST(AssertDeathTest, SaysWhatIsFalse) {
  EXPECT_DEATH(MNP_ASSERT(1 == 2, "numbers moved"), "bug in mnp: numbers moved \\(1 == 2 is false");
}

}  // namespace
}  // namespace mnp
