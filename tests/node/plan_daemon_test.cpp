#include "mnp/node/plan_daemon.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "mnp/core/files.hpp"

namespace mnp::node {
namespace {

/// A folder with a program called orted.
class PlanDaemon : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(create_file_once(folder.path() / "orted", "#!/bin/sh\n", 0755));
    ASSERT_EQ(::chmod((folder.path() / "orted").c_str(), 0755), 0);
  }
  TemporaryFolder folder = *TemporaryFolder::create("plan-daemon-test-");
};

TEST_F(PlanDaemon, RefusesWhatCheckSpawnRefuses) {
  const auto plan = plan_daemon({"h", "/bin/sh", {"-c", "id"}, {}}, {}, {});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, Code::kDenied);
}

TEST_F(PlanDaemon, AProgramThatIsNotThereIsNotFound) {
  const auto absolute = plan_daemon({"h", "/nowhere/orted", {}, {}}, {}, {});
  ASSERT_FALSE(absolute);
  EXPECT_EQ(absolute.error().code, Code::kNotFound);
  const auto by_name = plan_daemon({"h", "prted", {}, {}}, {"PATH=/nowhere"}, {});
  ASSERT_FALSE(by_name);
  EXPECT_NE(by_name.error().text.find("/nowhere"), std::string::npos);
}

TEST_F(PlanDaemon, AFileThatCannotBeExecutedIsNotFound) {
  ASSERT_EQ(::chmod((folder.path() / "orted").c_str(), 0644), 0);
  const auto plan = plan_daemon({"h", (folder.path() / "orted").string(), {}, {}}, {}, {});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, Code::kNotFound);
}

TEST_F(PlanDaemon, RelativeFoldersOfThePathAreNotSearched) {
  const auto plan = plan_daemon({"h", "orted", {}, {}}, {"PATH=::.:bin"}, {});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, Code::kNotFound);
}

TEST_F(PlanDaemon, ExpandsFromTheFarSidesEnvironment) {
  const std::string bin = folder.path().string();
  const SpawnRequest asked{"h",
                           "orted",
                           {"--tree-spawn"},
                           {{"PATH", {{false, bin + ":"}, {true, "PATH"}}},
                            {"LD_LIBRARY_PATH", {{false, "/lib:"}, {true, "LD_LIBRARY_PATH"}}}}};
  const auto plan = plan_daemon(asked, {"PATH=/usr/bin", "HOME=/h"}, {"HOME=/mine", "NEW=1"});
  ASSERT_TRUE(plan) << plan.error().text;
  EXPECT_EQ(plan->path, bin + "/orted");
  EXPECT_EQ(plan->argv, (std::vector<std::string>{"orted", "--tree-spawn"}));
  EXPECT_EQ(plan->environment, (std::vector<std::string>{"PATH=" + bin + ":/usr/bin", "HOME=/mine",
                                                         "LD_LIBRARY_PATH=/lib:", "NEW=1"}));
}

}  // namespace
}  // namespace mnp::node
