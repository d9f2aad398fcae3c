#include "launcher/run_store.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

#include "launcher/run_folder.hpp"

namespace mnp::launcher {
namespace {

TEST(OpenStore, OptionThenVariableThenFileThenDefault) {
  ::setenv("MNP_STORE", "/c", 1);
  EXPECT_EQ(open_store("/a", "/b")->name, "/a");
  EXPECT_EQ(open_store("", "/b")->name, "/c");
  EXPECT_EQ(run_folder(fs::path("/c"), "r").store_words(), "");
  EXPECT_EQ(run_folder(fs::path("/b"), "r").store_words(), " --store /b");
  ::unsetenv("MNP_STORE");
  EXPECT_EQ(open_store("", "/b")->name, "/b");
  EXPECT_EQ(open_store("")->name, (fs::current_path() / "mnp-runs").string());
  EXPECT_EQ(open_store("ftp://b/p").error().code, Code::kConfig);
}

TEST(OpenStore, WhatIsLocalOfAFolderIsTheFolder) {
  const auto store = open_store("/a/b/../c/");
  EXPECT_FALSE(store->in_s3());
  EXPECT_EQ(store->name, "/a/c/");
  EXPECT_EQ(store->local, "/a/c/");
}

TEST(OpenStore, OneInS3KeepsWhatIsLocalBelowTheStateFolder) {
  ::setenv("XDG_STATE_HOME", "/state", 1);
  ::setenv("AWS_REGION", "us-east-1", 1);
  const auto store = open_store("s3://lab/mnp//");
  ASSERT_TRUE(store) << store.error().text;
  EXPECT_TRUE(store->in_s3());
  EXPECT_EQ(store->name, "s3://lab/mnp");
  EXPECT_EQ(store->local, "/state/mnp/s3/lab/mnp");
  const RunFolder run = run_folder(*store, "r-1");
  EXPECT_EQ(run.local(), "/state/mnp/s3/lab/mnp/runs/r-1");
  EXPECT_EQ(run.place(), "s3://lab/mnp/runs/r-1");
  EXPECT_EQ(run.store_words(), " --store s3://lab/mnp");
  ::unsetenv("XDG_STATE_HOME");
}

TEST(OpenStore, WhatIsNoPlaceIsRefused) {
  for (const char* wrong :
       {"s3://", "s3:///key", "gs://b/p", "s3://b//data", "s3://b/a/../../c", "s3://b/./c"})
    EXPECT_EQ(open_store(wrong).error().code, Code::kConfig) << wrong;
}

}  // namespace
}  // namespace mnp::launcher
