#include "launcher/command_source.hpp"

#include <sys/stat.h>

#include <fstream>
#include <thread>

#include <gtest/gtest.h>

namespace mnp::launcher {
namespace {

TEST(ResolveCommands, APipeIsReadOnceAndKept) {
  const auto folder = TemporaryFolder::create("commands-test-");
  model::StageSpec stage;
  stage.name = "a";
  stage.commands.path = (folder->path() / "pipe").string();
  ASSERT_EQ(::mkfifo(stage.commands.path.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(stage.commands.path) << "true\nfalse\n"; });
  const auto list = resolve_commands(stage, "", "/");
  writer.join();
  ASSERT_TRUE(list) << list.error().text;
  EXPECT_EQ(list->commands, 2U);
  EXPECT_EQ(list->text, "true\nfalse\n");
  EXPECT_TRUE(list->path.empty());
}

TEST(ResolveCommands, NamesTheLine) {
  const auto folder = TemporaryFolder::create("commands-test-");
  model::StageSpec stage;
  stage.name = "a";
  stage.commands.path = (folder->path() / "list.txt").string();
  EXPECT_EQ(resolve_commands(stage, "", "/").error().code, Code::kConfig);
  ASSERT_TRUE(replace_file(stage.commands.path, std::string("true\nfal\0se\n", 12)));
  const auto list = resolve_commands(stage, "", "/");
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().text.find(stage.commands.path + ":2:"), 0u) << list.error().text;
}

}  // namespace
}  // namespace mnp::launcher
