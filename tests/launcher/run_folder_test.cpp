#include "launcher/run_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace mnp::launcher {
namespace {

class RunFolders : public testing::Test {
 protected:
  RunFolder make(const std::string& id, time_t when) {
    RunFolder run = run_folder(folder.path(), id);
    EXPECT_TRUE(run.store->put(run.keys().plan(), "{}"));
    const timespec times[2] = {{when, 0}, {when, 0}};
    ::utimensat(AT_FDCWD, (folder.path() / run.keys().plan()).c_str(), times, 0);
    return run;
  }
  TemporaryFolder folder = *TemporaryFolder::create("run-folder-test-");
};

TEST_F(RunFolders, AreFoundByIdPrefixOrAge) {
  make("demo-20260101-000000-aaaa", 1000);
  make("demo-20260102-000000-bbbb", 3000);
  make("other-20260101-000000-cccc", 2000);
  EXPECT_EQ(find_run(folder.path(), "")->id, "demo-20260102-000000-bbbb");
  EXPECT_EQ(find_run(folder.path(), "o")->id, "other-20260101-000000-cccc");
  EXPECT_EQ(find_run(folder.path(), "demo-20260101")->id, "demo-20260101-000000-aaaa");
  EXPECT_EQ(find_run(folder.path(), "demo")->id, "demo-20260102-000000-bbbb");
  const auto several = find_run(folder.path(), "demo-2026");
  ASSERT_FALSE(several);
  EXPECT_EQ(several.error().code, Code::kUsage);
  EXPECT_NE(several.error().text.find("aaaa"), std::string::npos);
  const auto slip = find_run(folder.path(), "demo-20260101-000000-aaab");
  ASSERT_FALSE(slip);
  EXPECT_NE(slip.error().text.find("do you mean"), std::string::npos);
}

TEST_F(RunFolders, OneRunIsFoundByIdOrTheStartOfNoOther) {
  make("demo-20260101-000000-aaaa", 1000);
  make("demo-20260102-000000-bbbb", 3000);
  EXPECT_EQ(find_one_run(folder.path(), "demo-20260101")->id, "demo-20260101-000000-aaaa");
  for (const char* unclear : {"demo", "demo-2026"})
    EXPECT_EQ(find_one_run(folder.path(), unclear).error().code, Code::kUsage) << unclear;
  EXPECT_FALSE(find_one_run(folder.path(), ""));
}

TEST_F(RunFolders, FolderWithoutPlanIsNoRun) {
  ASSERT_TRUE(make_folders(folder.path() / "runs/half"));
  EXPECT_EQ(find_run(folder.path(), "half").error().code, Code::kNotFound);
}

TEST_F(RunFolders, OneProcessHoldsARun) {
  const auto run = make("demo", 1000);
  EXPECT_FALSE(holder_of(run)->has_value());
  {
    const auto lock = hold_run(run);
    ASSERT_TRUE(lock);
    const auto holder = holder_of(run);
    ASSERT_TRUE(holder->has_value());
    EXPECT_EQ((*holder)->pid, ::getpid());
    EXPECT_EQ((*holder)->host, host_name());
    EXPECT_EQ(hold_run(run).error().code, Code::kExists);
  }
  EXPECT_FALSE(holder_of(run)->has_value());
}

TEST_F(RunFolders, NamesNodesThatStillHoldTheirLocks) {
  const auto run = make("demo", 1000);
  EXPECT_TRUE(held_node_locks(run)->empty());
  ASSERT_TRUE(make_folders(run.local() / ".locks"));
  const auto held = FileLock::try_acquire(run.local() / ".locks/job-1-0");
  { const auto gone = FileLock::try_acquire(run.local() / ".locks/job-1-1"); }
  EXPECT_EQ(*held_node_locks(run), std::vector<std::string>{"job-1-0"});
}

}  // namespace
}  // namespace mnp::launcher
