#include "comms/broadcast.hpp"

#include <sys/mount.h>

#include <gtest/gtest.h>

#include "rank_world.hpp"
#include "tree_fixture.hpp"

namespace mnp::comms {
namespace {

using model::BroadcastOrder;
using model::CollectiveDone;
using model::RankFrame;

void order(RankWorld& world, uint64_t id, const fs::path& source, const std::string& name) {
  world.send(0, RankFrame::kBroadcast, model::encode(BroadcastOrder{id, source.string(), name}));
}

/// The next answer of each of `ranks`.
std::vector<CollectiveDone> answers(RankWorld& world, const std::vector<size_t>& ranks) {
  EXPECT_TRUE(world.until([&] {
    for (const size_t rank : ranks)
      if (world.frames(rank).empty()) return false;
    return true;
  }));
  std::vector<CollectiveDone> done;
  for (const size_t rank : ranks) {
    if (world.frames(rank).empty()) return done;
    const Frame frame = world.frames(rank).front();
    world.frames(rank).pop_front();
    EXPECT_EQ(frame.type, static_cast<uint8_t>(RankFrame::kBroadcastDone));
    done.push_back(*model::decode_collective_done(frame.payload));
  }
  return done;
}

void expect_success(const std::vector<CollectiveDone>& done, uint64_t id, size_t count) {
  EXPECT_EQ(done.size(), count);
  for (const CollectiveDone& one : done) {
    EXPECT_EQ(one.id, id);
    EXPECT_EQ(one.error, "");
  }
}

TEST(Broadcast, AFolderReachesEveryNode) {  // 5 ranks: a tree of three levels
  RankWorld world(5);
  const fs::path source = world.folder() / "source";
  make_tree(source);
  ASSERT_TRUE(world.up());
  order(world, 41, source, "calibrate");
  expect_success(answers(world, {0, 1, 2, 3, 4}), 41, 5);
  const auto expected = describe(source);
  for (size_t rank = 1; rank < 5; ++rank) {
    EXPECT_TRUE(describe(world.files(rank) / "calibrate") == expected) << rank;
    EXPECT_EQ(list_folder(world.files(rank)), (std::vector<std::string>{"calibrate"}));
  }
  EXPECT_TRUE(fs::is_empty(world.files(0)));
}

TEST(Broadcast, SeveralInARowAndMessagesMeanwhile) {  // 4 ranks
  RankWorld world(4);
  for (size_t i = 0; i < 5; ++i)
    write_bytes(world.folder() / std::to_string(i), noise(i * 3'000'000));
  ASSERT_TRUE(world.up());
  for (uint64_t i = 0; i < 5; ++i)
    order(world, i, world.folder() / std::to_string(i), "in/" + std::to_string(i));
  world.send(0, RankFrame::kSend, model::encode(model::NodePayload{RankWorld::node(3), "hello"}));
  size_t messages = 0;
  ASSERT_TRUE(world.until([&] {
    auto& frames = world.frames(3);
    for (auto frame = frames.begin(); frame != frames.end();) {
      if (frame->type != static_cast<uint8_t>(RankFrame::kSend)) {
        ++frame;
        continue;
      }
      ++messages;
      frame = frames.erase(frame);
    }
    return messages == 1;
  }));
  for (uint64_t i = 0; i < 5; ++i) {
    expect_success(answers(world, {0, 1, 2, 3}), i, 4);
    for (size_t rank = 1; rank < 4; ++rank)
      EXPECT_TRUE(*read_file(world.files(rank) / "in" / std::to_string(i)) == noise(i * 3'000'000));
  }
}

TEST(Broadcast, OneRankAloneHasNothingToDo) {  // 1 rank
  RankWorld world(1);
  write_bytes(world.folder() / "source", "x");
  ASSERT_TRUE(world.up());
  order(world, 1, world.folder() / "source", "name");
  expect_success(answers(world, {0}), 1, 1);
}

TEST(Broadcast, ANodeThatCannotWriteIsNamedAndTheOthersGetAll) {  // 4 ranks
  const auto elsewhere = *TemporaryFolder::create("mnpr");
  write_bytes(elsewhere.path() / "file", "");
  const std::string bad = (elsewhere.path() / "file/below").string();
  RankWorld world(4, {.files = {"", bad}, .nodes = {}, .sockets = {}});
  write_bytes(world.folder() / "source", noise(3 << 20));
  ASSERT_TRUE(world.up());
  order(world, 9, world.folder() / "source", "name");
  const auto done = answers(world, {0, 1, 2, 3});
  ASSERT_EQ(done.size(), 4U);
  for (const size_t rank : {size_t{0}, size_t{1}}) {
    EXPECT_NE(done[rank].error.find("node 10"), std::string::npos) << done[rank].error;
    EXPECT_NE(done[rank].error.find(bad), std::string::npos) << done[rank].error;
    EXPECT_EQ(done[rank].code, static_cast<uint32_t>(Code::kIo));
  }
  for (const size_t rank : {size_t{2}, size_t{3}}) {  // rank 3 hangs on rank 1
    EXPECT_EQ(done[rank].error, "");
    EXPECT_TRUE(*read_file(world.files(rank) / "name") == noise(3 << 20));
  }
}

TEST(Broadcast, AFullDiskIsNamed) {  // 3 ranks
  const auto elsewhere = *TemporaryFolder::create("mnpr");
  if (::mount("mnp-test", elsewhere.path().c_str(), "tmpfs", 0, "size=2m") != 0)
    GTEST_SKIP() << "mounting a small disk needs root: " << std::strerror(errno);
  {
    RankWorld world(3, {.files = {"", "", elsewhere.path().string()}, .nodes = {}, .sockets = {}});
    write_bytes(world.folder() / "source", noise(5 << 20));
    ASSERT_TRUE(world.up());
    order(world, 9, world.folder() / "source", "name");
    const auto done = answers(world, {0, 1, 2});
    EXPECT_EQ(done.size(), 3U);
    if (done.size() == 3) {
      EXPECT_NE(done[0].error.find("node 13"), std::string::npos) << done[0].error;
      EXPECT_NE(done[0].error.find("No space left"), std::string::npos) << done[0].error;
      EXPECT_EQ(done[1].error, "");
    }
    EXPECT_TRUE(fs::is_empty(elsewhere.path()));
  }
  ::umount2(elsewhere.path().c_str(), MNT_DETACH);
}

TEST(Broadcast, ASourceThatCannotBeReadFailsAndTheNextWorks) {  // 3 ranks
  RankWorld world(3);
  fs::create_directory(world.folder() / "bad");
  write_bytes(world.folder() / "bad/a", noise(2 << 20));
  ASSERT_EQ(::mkfifo((world.folder() / "bad/pipe").c_str(), 0600), 0);
  write_bytes(world.folder() / "good", "good");
  ASSERT_TRUE(world.up());
  order(world, 1, world.folder() / "missing", "name");
  order(world, 2, world.folder() / "bad", "name");
  order(world, 3, world.folder() / "good", "name");
  const fs::path loop = world.folder() / "loop";
  fs::create_symlink(loop, loop);
  order(world, 4, loop, "name");
  const auto missing = answers(world, {0});
  ASSERT_EQ(missing.size(), 1U);
  EXPECT_EQ(missing[0].code, static_cast<uint32_t>(Code::kNotFound));
  for (const CollectiveDone& done : answers(world, {0, 1, 2})) {
    EXPECT_EQ(done.id, 2U);
    EXPECT_EQ(done.code, static_cast<uint32_t>(Code::kConfig));
    EXPECT_NE(done.error.find("bad/pipe"), std::string::npos) << done.error;
  }
  expect_success(answers(world, {0, 1, 2}), 3, 3);
  const auto store = answers(world, {0});
  ASSERT_EQ(store.size(), 1U);
  EXPECT_EQ(store[0].code, static_cast<uint32_t>(Code::kStore)) << store[0].error;
  for (const size_t rank : {size_t{1}, size_t{2}}) {
    EXPECT_EQ(*read_file(world.files(rank) / "name"), "good");
    EXPECT_EQ(list_folder(world.files(rank)), (std::vector<std::string>{"name"}));
  }
}

TEST(Broadcast, ANameThatLeavesTheFolderEndsTheWorld) {  // 1 rank
  RankWorld world(1);
  ASSERT_TRUE(world.up());
  order(world, 1, world.folder(), "../out");
  EXPECT_EQ(world.exit_status(), 70);
}

}  // namespace
}  // namespace mnp::comms
