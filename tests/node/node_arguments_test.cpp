#include "mnp/node/node_arguments.hpp"

#include <gtest/gtest.h>

namespace mnp::node {
namespace {

TEST(NodeArguments, AContainerHasNone) {
  const auto arguments = parse_node_arguments({});
  ASSERT_TRUE(arguments);
  EXPECT_EQ(arguments->link, -1);
  EXPECT_EQ(arguments->incarnation, Incarnation(1));
  EXPECT_FALSE(arguments->key_kept);
  EXPECT_EQ(arguments->answer, "");
}

TEST(NodeArguments, AnAgentIsToldByItsKeeper) {
  const auto arguments =
      parse_node_arguments({"--link", "7", "--page", "8", "--incarnation", "3", "--key-kept"});
  ASSERT_TRUE(arguments);
  EXPECT_EQ(arguments->link, 7);
  EXPECT_EQ(arguments->page, 8);
  EXPECT_EQ(arguments->incarnation, Incarnation(3));
  EXPECT_TRUE(arguments->key_kept);
}

TEST(NodeArguments, HelpAndVersionAreAnswered) {
  EXPECT_NE(parse_node_arguments({"--help"})->answer.find("usage: mnp-node"), std::string::npos);
  EXPECT_NE(parse_node_arguments({"-h"})->answer.find("LIST_FILE_S3_PATH"), std::string::npos);
  EXPECT_EQ(parse_node_arguments({"--version"})->answer.rfind("mnp-node ", 0), 0U);
}

TEST(NodeArguments, AnythingElseIsAUsageError) {
  const auto stranger = parse_node_arguments({"run"});
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().code, Code::kUsage);
  EXPECT_NE(stranger.error().text.find("'run'"), std::string::npos);
  EXPECT_FALSE(parse_node_arguments({"--link"}));
  EXPECT_FALSE(parse_node_arguments({"--link", "seven"}));
}

}  // namespace
}  // namespace mnp::node
