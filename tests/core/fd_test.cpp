#include "mnp/core/fd.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <thread>

#include <gtest/gtest.h>

namespace mnp {
namespace {

constexpr auto kHang = std::chrono::seconds(60);

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

bool is_readable(const Fd& fd) {
  pollfd waiting{fd.get(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 1;
}

TEST(Fd, ClosesWhatItOwns) {
  int raw = -1;
  {
    const Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    raw = fd.get();
    ASSERT_TRUE(is_open(raw));
  }
  EXPECT_FALSE(is_open(raw));
}

TEST(Fd, MovesOwnership) {
  Fd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int raw = first.get();
  Fd second(std::move(first));
  EXPECT_FALSE(first);  // NOLINT: what a moved-from Fd is, is promised
  EXPECT_EQ(second.get(), raw);
  Fd third(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int closed = third.get();
  third = std::move(second);
  EXPECT_EQ(third.get(), raw);
  EXPECT_FALSE(is_open(closed));
  EXPECT_EQ(third.release(), raw);
  EXPECT_TRUE(is_open(raw));
  ::close(raw);
}

TEST(Pipe, IsCloseOnExec) {
  const auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  EXPECT_EQ(::fcntl(pipe->read.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_EQ(::fcntl(pipe->write.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST(Eventfd, IsReadableFromNotifyToDrain) {
  const auto fd = make_eventfd();
  ASSERT_TRUE(fd);
  EXPECT_FALSE(is_readable(*fd));
  notify(*fd);
  notify(*fd);
  EXPECT_TRUE(is_readable(*fd));
  drain_eventfd(*fd);
  EXPECT_FALSE(is_readable(*fd));
  drain_eventfd(*fd);  // does not block
}

TEST(WriteAll, WritesMoreThanAPipeHolds) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  ASSERT_TRUE(set_nonblocking(pipe->write.get()));
  const std::string sent(3 << 20, 'x');
  Result<std::string> got;
  std::thread reader([&] { got = read_all(pipe->read.get(), sent.size()); });
  const auto written = write_all(pipe->write.get(), sent, Clock::now() + kHang);
  pipe->write.reset();
  reader.join();
  ASSERT_TRUE(written) << written.error().text;
  ASSERT_TRUE(got) << got.error().text;
  EXPECT_EQ(*got, sent);
}

TEST(WriteAll, GivesUpAtTheDeadline) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  ASSERT_TRUE(set_nonblocking(pipe->write.get()));
  const auto written =
      write_all(pipe->write.get(), std::string(3 << 20, 'x'), Clock::now() + Milliseconds(20));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::kTimeout);
}

TEST(ReadAll, RefusesMoreThanItsLimit) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  ASSERT_TRUE(write_all(pipe->write.get(), "12345", Clock::now() + kHang));
  pipe->write.reset();
  const auto text = read_all(pipe->read.get(), 4);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Code::kProtocol);
}

TEST(ReadAll, FailsOnWhatIsNoFile) {
  const auto text = read_all(-1, 10);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Code::kIo);
}

}  // namespace
}  // namespace mnp
