#include "comms/rank_environment.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

namespace mnp::comms {
namespace {

class Environment : public testing::Test {
 protected:
  void SetUp() override {
    set("MNP_AGENT_SOCKET", "/run/agent.sock");
    set("MNP_EPOCH", "3");
    set("MNP_NODE", "12");
    set("MNP_RANK_FILES", "/scratch/received");
  }
  void TearDown() override {
    for (const char* name : {"MNP_AGENT_SOCKET", "MNP_EPOCH", "MNP_NODE", "MNP_RANK_FILES"})
      ::unsetenv(name);
  }
  static void set(const char* name, const char* value) { ::setenv(name, value, 1); }
};
using RankEnvironmentTest = Environment;

TEST_F(RankEnvironmentTest, IsReadWhole) {
  const auto read = read_rank_environment();
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->agent_socket, "/run/agent.sock");
  EXPECT_EQ(read->epoch, EpochNumber(3));
  EXPECT_EQ(read->node, NodeIndex(12));
  EXPECT_EQ(read->files, "/scratch/received");
}

TEST_F(RankEnvironmentTest, WhatIsMissingIsNamed) {
  for (const char* name : {"MNP_AGENT_SOCKET", "MNP_EPOCH", "MNP_NODE", "MNP_RANK_FILES"}) {
    SetUp();
    set(name, "");
    const auto read = read_rank_environment();
    ASSERT_FALSE(read) << name;
    EXPECT_EQ(read.error().code, Code::kConfig);
    EXPECT_NE(read.error().text.find(name), std::string::npos) << read.error().text;
  }
}

TEST_F(RankEnvironmentTest, NumbersAreWholeAndNotNegative) {
  for (const char* value : {"-1", "2x", "4294967296"}) {
    set("MNP_NODE", value);
    const auto read = read_rank_environment();
    ASSERT_FALSE(read) << value;
    EXPECT_NE(read.error().text.find("MNP_NODE"), std::string::npos) << read.error().text;
  }
}

}  // namespace
}  // namespace mnp::comms
