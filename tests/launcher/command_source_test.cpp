#include "launcher/command_source.hpp"

#include <gtest/gtest.h>

namespace mnp::launcher {
namespace {

TEST(OutputOf, RunsInTheFolderWithOursFirstOnPath) {
  const auto folder = TemporaryFolder::create("output-of-test-");
  const auto text =
      output_of("pwd; echo ${PATH%%:*}", folder->path(), "/opt/mnp/bin", std::chrono::seconds(30));
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, folder->path().string() + "\n/opt/mnp/bin\n");
}

TEST(OutputOf, NamesTheStatusOfAFailure) {
  const auto text = output_of("echo x; exit 7", "", "/", std::chrono::seconds(30));
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Code::kConfig);
  EXPECT_NE(text.error().text.find("status 7"), std::string::npos);
}

TEST(OutputOf, EndsAProgramThatNeverEnds) {
  const auto begun = Clock::now();
  const auto text = output_of("sleep 100; echo x", "", "/", Milliseconds(200));
  ASSERT_FALSE(text);
  EXPECT_LT(Clock::now() - begun, std::chrono::seconds(50));
}

TEST(ResolveCommands, NamesStageAndLine) {
  const auto folder = TemporaryFolder::create("commands-test-");
  model::StageSpec stage;
  stage.name = "a";
  stage.commands.path = (folder->path() / "list.txt").string();
  EXPECT_EQ(resolve_commands(stage, "", "/").error().code, Code::kConfig);
  ASSERT_TRUE(replace_file(stage.commands.path, std::string("true\nfal\0se\n", 12)));
  const auto list = resolve_commands(stage, "", "/");
  ASSERT_FALSE(list);
  EXPECT_NE(list.error().text.find("stage a"), std::string::npos);
  EXPECT_NE(list.error().text.find("list.txt:2"), std::string::npos);
}

}  // namespace
}  // namespace mnp::launcher
