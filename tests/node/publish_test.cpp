#include "mnp/node/publish.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <thread>

#include "mnp/core/text.hpp"

namespace mnp::node {
namespace {

class Publish : public testing::Test {
 protected:
  PublishTarget target(uint32_t owner = 1) const {
    return {folder.path() / "results", folder.path() / "partials", reduce, OwnerNumber(owner)};
  }
  /// A command's folder with one file of this text for each path.
  fs::path left(const std::vector<std::string>& paths, const std::string& text) {
    const fs::path from = folder.path() / ("slot-" + std::to_string(++slots));
    for (const std::string& path : paths) EXPECT_TRUE(create_file_once(from / path, text));
    return from;
  }
  Result<std::vector<model::ResultFile>> publish(uint32_t command, uint32_t start,
                                                 const std::vector<std::string>& paths,
                                                 const std::string& text, uint32_t owner = 1) {
    return publish_results(target(owner),
                           {left(paths, text), CommandIndex(command), start, command});
  }
  std::string published(const std::string& path) const {
    const auto text = read_file(folder.path() / "results" / path);
    return text ? *text : "<" + text.error().text + ">";
  }
  /// Visible files below results/.
  std::vector<std::string> all() const {
    std::vector<std::string> names;
    const auto listed = list_files_below(folder.path() / "results");
    if (listed)
      for (const std::string& name : *listed)
        if (name[0] != '.') names.push_back(name);
    return names;
  }
  std::vector<std::string> incoming() const {
    const auto listed = list_files_below(folder.path() / "results" / ".incoming");
    return listed ? *listed : std::vector<std::string>{};
  }

  TemporaryFolder folder = *TemporaryFolder::create("publish-test-");
  std::optional<model::Reduce> reduce;
  int slots = 0;
};

TEST_F(Publish, FilesBecomeTheStagesAndReadOnly) {
  const auto files = publish(4, 1, {"a.txt", "deep/er/b.txt"}, "text");
  ASSERT_TRUE(files) << files.error().text;
  ASSERT_EQ(files->size(), 2U);
  EXPECT_EQ((*files)[1].path, "deep/er/b.txt");
  EXPECT_EQ((*files)[1].bytes, 4U);
  EXPECT_EQ((*files)[1].crc32c, crc32c("text"));
  EXPECT_FALSE((*files)[1].partial);
  EXPECT_EQ(published("deep/er/b.txt"), "text");
  struct stat info {};
  ASSERT_EQ(::stat((folder.path() / "results/a.txt").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0444U);
  EXPECT_TRUE(incoming().empty());
}

TEST_F(Publish, AFileInPlaceOfTheFolderIsTheCommandsProblem) {
  const fs::path from = folder.path() / "slot-0";
  ASSERT_TRUE(create_file_once(from, "a tool has written its output here"));
  const auto refused = publish_results(target(), {from, CommandIndex(1), 1, 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kIo);
}

TEST_F(Publish, OnlyWhatAStartHasPublishedIsRemoved) {
  ASSERT_TRUE(publish(4, 1, {"a", "deep/b", "c"}, "text"));
  ASSERT_TRUE(replace_file(folder.path() / "results/by-hand", "x"));
  ASSERT_TRUE(FolderPublisher(target()).remove({"a", "by-hand", "deep/b", "none"}));
  EXPECT_EQ(all(), (std::vector<std::string>{"by-hand", "c"}));
  EXPECT_TRUE(publish(5, 1, {"a"}, "another's now"));
  EXPECT_FALSE(publish(5, 1, {"c"}, "not this one"));
}

TEST_F(Publish, ACommandIsKnownByItsIdentityAndNotByItsNumber) {
  const auto as = [&](uint32_t number, uint64_t identity, uint32_t owner) {
    return publish_results(target(owner), {left({"a"}, "x"), CommandIndex(number), 1, identity});
  };
  ASSERT_TRUE(as(17, 7, 1));
  EXPECT_TRUE(as(16, 7, 2)) << "a line above it is gone";
  EXPECT_FALSE(as(15, 8, 3)) << "another one";
  EXPECT_TRUE(as(16, 9, 3)) << "the line was edited";
}

TEST_F(Publish, ANameThatTheStoreCannotHaveIsTheCommandsProblem) {
  const std::string part(200, 'p');
  std::string deep = part;
  // Below the command's folder it has its place still, and below results/ none any more.
  const fs::path from = folder.path() / "s";
  while (from.string().size() + deep.size() + 210 < PATH_MAX) deep += "/" + part;
  ASSERT_TRUE(create_file_once(from / deep, "x"));
  PublishTarget far = target();
  far.results = folder.path() / std::string(220, 'r');
  const auto refused = publish_results(far, {from, CommandIndex(1), 1, 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConfig);
  EXPECT_NE(refused.error().text.find("cannot have"), std::string::npos) << refused.error().text;
}

TEST_F(Publish, ProgramsStayExecutable) {
  const fs::path from = left({"tool"}, "#!/bin/sh\n");
  ASSERT_EQ(::chmod((from / "tool").c_str(), 0750), 0);
  ASSERT_TRUE(publish_results(target(), {from, CommandIndex(1), 1, 1}));
  struct stat info {};
  ASSERT_EQ(::stat((folder.path() / "results/tool").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0554U);
}

TEST_F(Publish, AHigherStartReplacesALowerOneNeverTheOtherWay) {
  ASSERT_TRUE(publish(4, 2, {"a"}, "second"));
  ASSERT_TRUE(publish(4, 1, {"a"}, "first"));
  EXPECT_EQ(published("a"), "second");
  ASSERT_TRUE(publish(4, 3, {"a"}, "third"));
  EXPECT_EQ(published("a"), "third");
  EXPECT_TRUE(incoming().empty());
}

TEST_F(Publish, AHigherOwnerCountsMoreThanAHigherStart) {
  ASSERT_TRUE(publish(4, 9, {"a"}, "old owner", 1));
  ASSERT_TRUE(publish(4, 1, {"a"}, "new owner", 2));
  EXPECT_EQ(published("a"), "new owner");
  ASSERT_TRUE(publish(4, 10, {"a"}, "superseded", 1));
  EXPECT_EQ(published("a"), "new owner");
}

TEST_F(Publish, AnotherCommandsNameIsAnErrorThatNamesBoth) {
  ASSERT_TRUE(publish(4, 1, {"b"}, "of four"));
  const auto files = publish(7, 1, {"a", "b", "c"}, "of seven");
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code, Code::kConfig);
  EXPECT_NE(files.error().text.find("commands 4 and 7"), std::string::npos) << files.error().text;
  EXPECT_NE(files.error().text.find("'b'"), std::string::npos);
  EXPECT_EQ(all(), std::vector<std::string>{"b"});  // nothing of command 7
  EXPECT_EQ(published("b"), "of four");
  EXPECT_TRUE(incoming().empty());
}

TEST_F(Publish, AFileWhereAnotherNeedsAFolderIsAnError) {
  ASSERT_TRUE(publish(4, 1, {"a"}, "a file"));
  const auto below = publish(7, 1, {"a/b"}, "below");
  ASSERT_FALSE(below);
  EXPECT_EQ(below.error().code, Code::kConfig);
  EXPECT_NE(below.error().text.find("command 4"), std::string::npos) << below.error().text;
  ASSERT_TRUE(publish(8, 1, {"folder/x"}, "x"));
  const auto file = publish(9, 1, {"folder"}, "file");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Code::kConfig);
  EXPECT_EQ(all(), (std::vector<std::string>{"a", "folder/x"}));
}

TEST_F(Publish, NamesOfOurOwnAreRefused) {
  for (const char* path : {".names/x", ".incoming/x", ".names"}) {
    const auto files = publish(1, 1, {path}, "forged");
    ASSERT_FALSE(files) << path;
    EXPECT_EQ(files.error().code, Code::kConfig);
  }
  EXPECT_TRUE(publish(1, 1, {".hidden", "a/.names/x"}, "fine"));
}

TEST_F(Publish, WhatReduceMatchesBecomesAPartialOfItsStart) {
  reduce = model::Reduce{"slices/*.npy", model::ReduceOp::kSum};
  const auto first = publish(4, 1, {"slices/0.npy", "log.4"}, "four");
  const auto second = publish(5, 2, {"slices/0.npy", "log.5"}, "five");
  ASSERT_TRUE(first && second);
  EXPECT_FALSE((*first)[0].partial);
  EXPECT_TRUE((*first)[1].partial);
  EXPECT_EQ((*first)[1].path, "slices/0.npy");
  EXPECT_EQ(all(), (std::vector<std::string>{"log.4", "log.5"}));
  EXPECT_EQ(*read_file(folder.path() / "partials/4-1/slices/0.npy"), "four");
  EXPECT_EQ(*read_file(folder.path() / "partials/5-2/slices/0.npy"), "five");
}

TEST_F(Publish, ARefusedCommandLeavesNoPartial) {
  reduce = model::Reduce{"**/*.npy", model::ReduceOp::kSum};
  ASSERT_TRUE(publish(4, 1, {"z"}, "z"));
  ASSERT_FALSE(publish(5, 1, {"a.npy", "z"}, "five"));
  EXPECT_TRUE(list_files_below(folder.path() / "partials")->empty());
}

TEST_F(Publish, LinksBringWhatTheyPointTo) {
  const fs::path from = left({"real"}, "content");
  fs::create_symlink("real", from / "link");
  const auto files = publish_results(target(), {from, CommandIndex(1), 1, 1});
  // `link` comes first in the order of names; `real` is still there for it.
  ASSERT_TRUE(files) << files.error().text;
  EXPECT_EQ(published("link"), "content");
  EXPECT_FALSE(fs::is_symlink(folder.path() / "results/link"));
}

TEST_F(Publish, WhatCannotBeReadIsTheCommandsFailure) {
  for (const char* to : {"nowhere", "self", "/", "fifo"}) {
    const fs::path from = left({"a"}, "fine");
    fs::create_symlink(to, from / "self");
    ASSERT_EQ(::mkfifo((from / "fifo").c_str(), 0600), 0);
    const auto files = publish_results(target(), {from, CommandIndex(1), 1, 1});
    ASSERT_FALSE(files) << to;
    EXPECT_EQ(files.error().code == Code::kStore, false) << files.error().text;
    EXPECT_TRUE(all().empty());
  }
}

TEST_F(Publish, AFolderThatIsNotThereIsNothing) {
  const auto files = publish_results(target(), {folder.path() / "gone", CommandIndex(1), 1, 1});
  ASSERT_TRUE(files);
  EXPECT_TRUE(files->empty());
}

TEST_F(Publish, AStoreThatFailsLeavesEverythingForAnotherTry) {
  reduce = model::Reduce{"*.npy", model::ReduceOp::kSum};
  const fs::path from = left({"a", "b.npy"}, "precious");
  // The store's folder is a file for now: also root cannot write there.
  ASSERT_TRUE(create_file_once(folder.path() / "results", ""));
  const auto failed = publish_results(target(), {from, CommandIndex(1), 1, 1});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::kStore) << failed.error().text;
  EXPECT_EQ(*read_file(from / "a"), "precious");
  EXPECT_EQ(*read_file(from / "b.npy"), "precious");
  ASSERT_EQ(::unlink((folder.path() / "results").c_str()), 0);
  const auto files = publish_results(target(), {from, CommandIndex(1), 1, 1});
  ASSERT_TRUE(files) << files.error().text;
  EXPECT_EQ(files->size(), 2U);
  EXPECT_EQ(published("a"), "precious");
}

TEST_F(Publish, ARowThatIsDamagedIsTheStoresFailure) {
  ASSERT_TRUE(publish(1, 1, {"a"}, "a"));
  const fs::path row = folder.path() / "results/.names" / hex64(fnv1a("a"));
  ASSERT_TRUE(replace_file(row, "{\"command\":1}"));
  const auto files = publish(1, 2, {"a"}, "again");
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code, Code::kStore);
}

TEST_F(Publish, ManyAtOnceHaveOneWinnerAName) {
  std::atomic<int> good{0}, refused{0};
  std::vector<fs::path> folders;
  for (int i = 0; i < 8; ++i) folders.push_back(left({"same", "own" + std::to_string(i)}, "x"));
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      const auto files = publish_results(target(), {folders[i], CommandIndex(i), 1, i});
      ++(files ? good : refused);
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 1);
  EXPECT_EQ(refused, 7);
  EXPECT_EQ(all().size(), 2U);
}

TEST_F(Publish, SyncSaysWhenTheResultsAreGone) {
  FolderPublisher publisher(target());
  std::vector<Publishing> starts = {{left({"a"}, "x"), CommandIndex(1), 1, 1}};
  publisher.publish(starts);
  ASSERT_TRUE(starts[0].files);
  EXPECT_TRUE(publisher.sync());
  ASSERT_TRUE(remove_tree(folder.path() / "results"));
  const auto done = publisher.sync();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kStore);
}

}  // namespace
}  // namespace mnp::node
