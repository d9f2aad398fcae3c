#include "mnp/node/inputs.hpp"

#include <gtest/gtest.h>

namespace mnp::node {
namespace {

class Inputs : public testing::Test {
 protected:
  void SetUp() override {
    spec.inputs = {{"scan", (folder.path() / "scan.raw").string(), false, false},
                   {"earlier", "earlier", true, false},
                   {"center", "calibrate", true, true}};
    ASSERT_TRUE(create_file_once(folder.path() / "scan.raw", "raw"));
    ASSERT_TRUE(create_file_once(results("earlier") / "a/b", "of earlier"));
    ASSERT_TRUE(create_file_once(results("calibrate") / "center.json", "{}"));
  }
  fs::path results(const std::string& stage) const {
    return folder.path() / "store/runs/r-1/stages" / stage / "results";
  }
  Status link(bool here = false) const {
    Context context;
    context.me.run = "r-1";
    context.stage_name = "now";
    context.plan.stages.push_back({spec, 1, {}});
    context.plan.stages.front().spec.name = "now";
    context.store_place = (folder.path() / "store").string();
    context.store = std::make_shared<FolderStore>(context.store_place);
    context.scratch.root = folder.path() / "scratch";
    return bring_inputs(context, here, cancel);
  }
  std::string read(const std::string& path) const {
    const auto text = read_file(inputs / path);
    return text ? *text : "<none>";
  }

  TemporaryFolder folder = *TemporaryFolder::create("inputs-test-");
  const std::atomic<bool> cancel{false};
  const fs::path inputs = folder.path() / "scratch/inputs";
  model::StageSpec spec;
};

TEST_F(Inputs, FilesAndStagesAreLinkedByName) {
  ASSERT_TRUE(link());
  EXPECT_EQ(read("scan"), "raw");
  EXPECT_EQ(read("earlier/a/b"), "of earlier");
  EXPECT_TRUE(fs::is_symlink(inputs / "earlier"));
}

TEST_F(Inputs, BroadcastOnesAreReadHereOnlyWhereAsked) {
  ASSERT_TRUE(link(false));
  EXPECT_FALSE(fs::exists(inputs / "center"));
  ASSERT_TRUE(link(true));
  EXPECT_EQ(read("center/center.json"), "{}");
}

TEST_F(Inputs, ABroadcastInputIsLinkedWhenItHasArrived) {
  ASSERT_TRUE(create_file_once(folder.path() / "received/center.json", "[1]"));
  ASSERT_TRUE(link_broadcast(inputs, "center", folder.path() / "received"));
  EXPECT_EQ(read("center/center.json"), "[1]");
  ASSERT_TRUE(link_broadcast(inputs, "center", folder.path() / "received"));  // in a later epoch
}

TEST_F(Inputs, WhatABrokenBroadcastHasLeftIsRemoved) {
  const fs::path received = folder.path() / "received";
  for (const char* path : {"center.1/a", "scan.2/half", ".scan.3.part"})
    ASSERT_TRUE(create_file_once(received / path, "x"));
  ASSERT_TRUE(link_broadcast(inputs, "center", received / "center.1"));
  remove_unlinked(received, inputs);
  EXPECT_EQ(*list_folder(received), std::vector<std::string>{"center.1"});
  EXPECT_EQ(read("center/a"), "x");
  remove_unlinked(folder.path() / "none", inputs);
  remove_unlinked(received, received / "center.1/a");  // no folder: what is linked is not known
  EXPECT_EQ(*list_folder(received), std::vector<std::string>{"center.1"});
}

TEST_F(Inputs, AMissingSourceIsNamed) {
  spec.inputs = {{"scan", "/nowhere/scan", false, false}};
  const auto file = link();
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Code::kConfig);
  EXPECT_NE(file.error().text.find("/nowhere/scan"), std::string::npos);
  spec.inputs = {{"other", "never-ran", true, false}};
  const auto stage = link();
  ASSERT_FALSE(stage);
  EXPECT_NE(stage.error().text.find("stage never-ran has published nothing"), std::string::npos);
}

TEST_F(Inputs, ASourceThatCannotBeLookedAtIsMissing) {
  fs::create_symlink("loop", folder.path() / "loop");
  spec.inputs = {{"loop", (folder.path() / "loop").string(), false, false}};
  const auto done = link();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kConfig);
}

}  // namespace
}  // namespace mnp::node
