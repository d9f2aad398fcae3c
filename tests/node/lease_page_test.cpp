#include "mnp/node/lease_page.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mnp::node {
namespace {

LeaseTime at(int64_t nanosecond) {
  return LeaseTime(nanoseconds(nanosecond));
}

TEST(LeasePage, BeginsWithNothing) {
  Fd memory;
  const auto page = LeasePage::create(memory);
  ASSERT_TRUE(page) << page.error().text;
  EXPECT_FALSE(page->deadline());
  EXPECT_FALSE(page->suspect());
}

TEST(LeasePage, ShowsWhatAnotherProcessHasWritten) {
  Fd memory;
  auto page = LeasePage::create(memory);
  ASSERT_TRUE(page);
  const pid_t agent = ::fork();
  if (agent == 0) {
    auto own = LeasePage::open(memory);
    if (!own) ::_exit(1);
    const bool first = own->set_deadline(at(7)), second = own->set_deadline(at(9));
    own->set_suspect(true);
    ::_exit(first && !second ? 0 : 2);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(agent, &status, 0), agent);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(page->deadline(), at(9));
  EXPECT_TRUE(page->suspect());
}

TEST(LeasePage, DeadlinesOnlyGrow) {
  Fd memory;
  auto page = LeasePage::create(memory);
  page->set_deadline(at(9));
  page->set_deadline(at(8));
  EXPECT_EQ(page->deadline(), at(9));
}

TEST(LeasePage, IsOpenedOnlyWhereNobodyCanTakeItAway) {
  EXPECT_FALSE(LeasePage::open(Fd()));
  const Fd other(::memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_FALSE(LeasePage::open(other));
  Fd memory;
  const auto page = LeasePage::create(memory);
  ASSERT_TRUE(page);
  EXPECT_NE(::ftruncate(memory.get(), 0), 0);
}

}  // namespace
}  // namespace mnp::node
