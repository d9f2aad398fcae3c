#include "comms/array_writer.hpp"

#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include <gtest/gtest.h>

#include "mnp/core/clock.hpp"
#include "mnp/core/text.hpp"

namespace mnp::comms {
namespace {

const ArrayShape kShape{model::DType::kInt32, {2, 2}, NodeIndex(0), ""};

std::atomic<bool> held;  // what held_sync waits for

int held_sync(int fd) {
  held.wait(true);
  return ::fsync(fd);
}

int folders_cannot(int fd) {
  struct stat what {};
  EXPECT_EQ(::fstat(fd, &what), 0);
  if (!S_ISDIR(what.st_mode)) return ::fsync(fd);
  errno = EINVAL;
  return -1;
}

int failing_sync(int) {
  errno = EIO;
  return -1;
}

/// Whether a thread of this process waits for something: here, for the writer's own.
bool sleeps(pid_t thread) {
  const std::string stat = *read_file("/proc/self/task/" + std::to_string(thread) + "/stat");
  return stat[stat.rfind(')') + 2] == 'S';
}

Status end_of(ArrayWriter& writer) {
  const TimePoint deadline = Clock::now() + std::chrono::seconds(120);
  while (Clock::now() < deadline) {
    MNP_TRY(const bool over, writer.committed());
    if (over) return {};
    std::this_thread::yield();
  }
  return fail(Code::kTimeout, "the commit never ends");
}

class ArrayWriterTest : public testing::Test {
 protected:
  TemporaryFolder folder_ = *TemporaryFolder::create("array");
  fs::path target_ = folder_.path() / "slices/sum.npy";
};

TEST_F(ArrayWriterTest, WritesWhatNumPyReads) {
  auto writer = *ArrayWriter::create(target_, kShape);
  const std::vector<int32_t> values{1, 2, 3, 4};
  const std::string_view bytes(reinterpret_cast<const char*>(values.data()), 16);
  ASSERT_TRUE(writer.write(bytes.substr(0, 4)));
  ASSERT_TRUE(writer.write(bytes.substr(4)));
  EXPECT_FALSE(fs::exists(target_));
  writer.begin_commit();
  ASSERT_TRUE(end_of(writer));
  const auto array = model::read_npy<int32_t>(target_);
  ASSERT_TRUE(array) << array.error().text;
  EXPECT_EQ(array->values, values);
  EXPECT_EQ(array->shape, (std::vector<size_t>{2, 2}));
  EXPECT_EQ(list_folder(target_.parent_path()), (std::vector<std::string>{"sum.npy"}));
}

TEST_F(ArrayWriterTest, LeavesNothingWithoutACommit) {
  { auto writer = *ArrayWriter::create(target_, kShape); }
  EXPECT_TRUE(fs::is_empty(target_.parent_path()));
}

TEST_F(ArrayWriterTest, ASyncThatTakesLongIsNotWaitedFor) {
  auto writer = *ArrayWriter::create(target_, kShape, held_sync);
  held = true;
  writer.begin_commit();
  EXPECT_EQ(writer.committed(), false);
  EXPECT_FALSE(fs::exists(target_));
  held = false;
  held.notify_all();
  EXPECT_TRUE(end_of(writer));
  EXPECT_TRUE(fs::exists(target_));
}

TEST_F(ArrayWriterTest, WhoGoesDuringTheSyncWaitsForItAndRenamesNothing) {
  std::jthread releasing;
  {
    auto writer = *ArrayWriter::create(target_, kShape, held_sync);
    held = true;
    writer.begin_commit();
    releasing = std::jthread([test = ::gettid()] {
      while (!sleeps(test)) std::this_thread::yield();
      held = false;
      held.notify_all();
    });
  }
  EXPECT_FALSE(held);
  EXPECT_TRUE(fs::is_empty(target_.parent_path()));
}

TEST_F(ArrayWriterTest, AnErrorOfTheSyncComesBack) {
  auto writer = *ArrayWriter::create(target_, kShape, failing_sync);
  writer.begin_commit();
  const auto done = end_of(writer);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kStore);
  EXPECT_EQ(done.error().text, "fsync " + target_.string() + ": Input/output error");
}

TEST_F(ArrayWriterTest, AFolderThatCannotBeSyncedIsNoError) {
  auto writer = *ArrayWriter::create(target_, kShape, folders_cannot);
  writer.begin_commit();
  EXPECT_TRUE(end_of(writer));
  EXPECT_TRUE(fs::exists(target_));
}

TEST_F(ArrayWriterTest, ANameThatIsTakenComesBack) {
  auto writer = *ArrayWriter::create(target_, kShape);
  fs::create_directories(target_ / "folder");
  writer.begin_commit();
  const auto done = end_of(writer);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kStore);
  EXPECT_NE(done.error().text.find("rename to " + target_.string()), std::string::npos);
}

TEST_F(ArrayWriterTest, AFullDiskIsTheStoresFailure) {
  fs::create_directories(target_.parent_path());
  fs::create_symlink("/dev/full",
                     target_.parent_path() / ("." + hex64(fnv1a("sum.npy")) + ".part"));
  const auto writer = ArrayWriter::create(target_, kShape);
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, Code::kStore);
  EXPECT_NE(writer.error().text.find("No space left"), std::string::npos) << writer.error().text;
}

TEST_F(ArrayWriterTest, AFolderThatCannotBeMadeIsNamed) {
  const auto writer = ArrayWriter::create("/proc/nowhere/sum.npy", kShape);
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, Code::kStore);
  EXPECT_NE(writer.error().text.find("/proc/nowhere"), std::string::npos);
}

}  // namespace
}  // namespace mnp::comms
