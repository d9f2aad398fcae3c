#include "comms/reduce.hpp"

#include <cmath>
#include <fstream>

#include <fmt/format.h>

#include "agent_messages.hpp"

namespace mnp::comms {
namespace {

using model::CollectiveDone;
using model::ReduceOp;
using model::ReduceOrder;

using Files = std::vector<std::vector<std::string>>;  // by rank

/// Orders on every rank, the target on main.
void order(RankWorld& world, uint64_t id, ReduceOp op, const Files& files, const fs::path& target) {
  for (size_t rank = 0; rank < world.size(); ++rank)
    world.send(rank, RankFrame::kReduce,
               model::encode(ReduceOrder{id, static_cast<uint8_t>(op), files.at(rank),
                                         rank == 0 ? target.string() : ""}));
}

/// What every rank answers, which must be one and the same.
CollectiveDone answer(RankWorld& world) {
  CollectiveDone first;
  for (size_t rank = 0; rank < world.size(); ++rank) {
    EXPECT_TRUE(world.until([&] { return !world.frames(rank).empty(); })) << rank;
    if (world.frames(rank).empty()) return {0, "no answer", 0};
    const Frame frame = world.frames(rank).front();
    world.frames(rank).pop_front();
    EXPECT_EQ(frame.type, static_cast<uint8_t>(RankFrame::kReduceDone));
    const CollectiveDone done = *model::decode_collective_done(frame.payload);
    if (rank == 0) first = done;
    EXPECT_EQ(done.id, first.id);
    EXPECT_EQ(done.error, first.error);
    EXPECT_EQ(done.code, first.code);
  }
  return first;
}

template <class T>
T element(size_t file, size_t i) {
  const auto value = static_cast<int64_t>((file * 7919 + i * 104729) % 9973);
  if constexpr (std::is_floating_point_v<T>) return static_cast<T>(value - 5000) / T(7);
  if constexpr (std::is_signed_v<T>) return static_cast<T>(value - 5000);
  return static_cast<T>(value);
}

template <class T>
std::string write_array(const fs::path& path, const std::vector<size_t>& shape, size_t file) {
  size_t elements = 1;
  for (const size_t extent : shape) elements *= extent;
  std::vector<T> values(elements);
  for (size_t i = 0; i < elements; ++i) values[i] = element<T>(file, i);
  EXPECT_TRUE(model::write_npy<T>(path, shape, values));
  return path.string();
}

/// As the header of reduce_kernel.hpp promises it, element by element.
template <class T>
T expected(ReduceOp op, size_t files, size_t i) {
  using Sum = std::conditional_t<std::is_same_v<T, float>, double, T>;
  Sum sum = 0;
  T best = element<T>(0, i);
  for (size_t file = 0; file < files; ++file) {
    const T value = element<T>(file, i);
    sum = static_cast<Sum>(sum + value);
    best = op == ReduceOp::kMin ? std::min(best, value) : std::max(best, value);
  }
  return op == ReduceOp::kSum ? static_cast<T>(sum) : best;
}

template <class T>
void check_type(RankWorld& world, uint64_t id) {
  // 5 files on 4 nodes, one of which has none; 3 blocks, the last not full.
  const std::vector<size_t> shape{3, 101, 1000};
  const fs::path folder = world.folder() / std::to_string(id);
  Files files(4);
  const std::vector<size_t> owners{0, 0, 1, 3, 3};
  for (size_t file = 0; file < owners.size(); ++file)
    files[owners[file]].push_back(
        write_array<T>(folder / (std::to_string(file) + ".npy"), shape, file));
  for (const auto op : {ReduceOp::kSum, ReduceOp::kMin, ReduceOp::kMax}) {
    order(world, id, op, files, folder / "out/result.npy");
    ASSERT_EQ(answer(world).error, "");
    const auto result = model::read_npy<T>(folder / "out/result.npy");
    ASSERT_TRUE(result) << result.error().text;
    EXPECT_EQ(result->shape, shape);
    for (size_t i = 0; i < result->values.size(); ++i) {
      const T wanted = expected<T>(op, owners.size(), i);
      if constexpr (std::is_same_v<T, double>) {  // another order of additions
        ASSERT_NEAR(result->values[i], wanted, 1e-9) << i;
      } else {
        ASSERT_EQ(result->values[i], wanted) << i;
      }
    }
    id += 100;
  }
}

TEST(Reduce, EveryTypeAndOperation) {  // 4 ranks
  RankWorld world(4);
  ASSERT_TRUE(world.up());
  check_type<float>(world, 1);
  check_type<double>(world, 2);
  check_type<int32_t>(world, 3);
  check_type<int64_t>(world, 4);
  check_type<uint16_t>(world, 5);
}

TEST(Reduce, OneRankAlone) {  // 1 rank
  RankWorld world(1);
  ASSERT_TRUE(world.up());
  const auto file = write_array<int32_t>(world.folder() / "a.npy", {10}, 1);
  order(world, 1, ReduceOp::kSum, {{file, file}}, world.folder() / "out.npy");
  ASSERT_EQ(answer(world).error, "");
  EXPECT_EQ(model::read_npy<int32_t>(world.folder() / "out.npy")->values[3],
            2 * element<int32_t>(1, 3));
}

TEST(Reduce, OrdersMayComeInAnotherOrderElsewhere) {  // 3 ranks
  RankWorld world(3);
  ASSERT_TRUE(world.up());
  const auto send = [&](size_t rank, uint64_t id) {
    const auto file =
        write_array<int32_t>(world.folder() / fmt::format("{}-{}.npy", rank, id), {5}, id);
    const auto target = world.folder() / fmt::format("out{}.npy", id);
    world.send(rank, RankFrame::kReduce,
               model::encode(ReduceOrder{id, 0, {file}, rank == 0 ? target.string() : ""}));
  };
  for (const uint64_t id : {1, 2, 3}) send(0, id);
  for (const uint64_t id : {3, 1, 2}) send(1, id);
  for (const uint64_t id : {2, 3, 1}) send(2, id);
  for (const uint64_t id : {1U, 2U, 3U}) {
    const auto done = answer(world);
    EXPECT_EQ(done.id, id);
    EXPECT_EQ(done.error, "");
    EXPECT_EQ(model::read_npy<int32_t>(world.folder() / fmt::format("out{}.npy", id))->values[2],
              3 * element<int32_t>(id, 2));
  }
}

TEST(Reduce, ADifferenceNamesBothFilesOnEveryRank) {  // 4 ranks
  RankWorld world(4);
  ASSERT_TRUE(world.up());
  const auto a = write_array<float>(world.folder() / "a.npy", {10}, 1);
  const auto b = write_array<float>(world.folder() / "b.npy", {2, 5}, 1);
  const fs::path target = world.folder() / "out.npy";
  order(world, 1, ReduceOp::kSum, {{a}, {a}, {}, {b}}, target);
  const auto done = answer(world);
  EXPECT_EQ(done.code, static_cast<uint32_t>(Code::kConfig));
  EXPECT_NE(done.error.find(a), std::string::npos) << done.error;
  EXPECT_NE(done.error.find(b + " on node 16 holds <f4 of shape (2, 5)"), std::string::npos)
      << done.error;
  EXPECT_FALSE(fs::exists(target));
  // The world goes on.
  order(world, 2, ReduceOp::kSum, {{a}, {a}, {}, {a}}, target);
  EXPECT_EQ(answer(world).error, "");
}

TEST(Reduce, AMissingFileIsNamedWithItsNode) {  // 4 ranks
  RankWorld world(4);
  ASSERT_TRUE(world.up());
  const auto a = write_array<float>(world.folder() / "a.npy", {10}, 1);
  order(world, 1, ReduceOp::kSum, {{a}, {a}, {a, "/nowhere/x.npy"}, {a}},
        world.folder() / "out.npy");
  const auto done = answer(world);
  EXPECT_EQ(done.code, static_cast<uint32_t>(Code::kNotFound));
  EXPECT_NE(done.error.find("node 13: "), std::string::npos) << done.error;
  EXPECT_NE(done.error.find("/nowhere/x.npy"), std::string::npos) << done.error;
}

TEST(Reduce, NoFilesAnywhereIsAnError) {  // 3 ranks
  RankWorld world(3);
  ASSERT_TRUE(world.up());
  order(world, 1, ReduceOp::kMin, {{}, {}, {}}, world.folder() / "out.npy");
  EXPECT_EQ(answer(world).error, "reduce: there is no file to reduce on any node");
}

TEST(Reduce, ATargetThatCannotBeWrittenIsNamed) {  // 2 ranks
  RankWorld world(2);
  ASSERT_TRUE(world.up());
  const auto a = write_array<float>(world.folder() / "a.npy", {10}, 1);
  order(world, 1, ReduceOp::kSum, {{a}, {a}}, a + "/out.npy");
  const auto done = answer(world);
  EXPECT_EQ(done.code, static_cast<uint32_t>(Code::kStore));
  EXPECT_NE(done.error.find(a), std::string::npos) << done.error;
}

/// A reduction on two ranks whose file is being synced, for as long as the test wants.
class ReduceOnASlowDisk : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.up());
    const auto a = write_array<float>(world_.folder() / "a.npy", {10}, 1);
    order(world_, 1, ReduceOp::kSum, {{a}, {a}}, target_);
    ASSERT_TRUE(world_.until([&] { return fs::exists(world_.held_sync().string() + ".begun"); }));
  }
  /// "" lets it succeed.
  void end_sync(const std::string& how) {
    std::ofstream(world_.held_sync().string() + ".part") << how;
    fs::rename(world_.held_sync().string() + ".part", world_.held_sync());
  }

  RankWorld world_{2, {.files = {}, .nodes = {}, .sockets = {}, .preload = HELD_SYNC}};
  const fs::path target_ = world_.folder() / "out.npy";
};

TEST_F(ReduceOnASlowDisk, RanksLiveAndCarryMessagesDuringTheSync) {
  const size_t main = world_.pulses(0), child = world_.pulses(1);
  EXPECT_TRUE(
      world_.until([&] { return world_.pulses(0) >= main + 3 && world_.pulses(1) >= child + 3; }));
  EXPECT_TRUE(world_.frames(0).empty());  // not done yet
  send_to(world_, 1, 0, "hello");
  ASSERT_TRUE(world_.until([&] { return !world_.frames(0).empty(); }));
  EXPECT_EQ(taken(world_, 0).at(0).bytes, "hello");
  EXPECT_FALSE(fs::exists(target_));
  end_sync("");
  EXPECT_EQ(answer(world_).error, "");
  EXPECT_EQ(model::read_npy<float>(target_)->values[3], 2 * element<float>(1, 3));
}

TEST_F(ReduceOnASlowDisk, AnErrorOfTheSyncIsTheStoresFailureOnEveryRank) {
  end_sync("EIO");
  const auto done = answer(world_);
  EXPECT_EQ(done.code, static_cast<uint32_t>(Code::kStore));
  EXPECT_NE(done.error.find("fsync " + target_.string()), std::string::npos) << done.error;
  EXPECT_FALSE(fs::exists(target_));
}

TEST(Reduce, RanksLiveWhileTheStoreTakesNothing) {  // 2 ranks
  RankWorld world(2, {.files = {}, .nodes = {}, .sockets = {}, .preload = HELD_SYNC});
  ASSERT_TRUE(world.up());
  const std::string gate = world.held_sync().string();
  std::ofstream(gate + ".writes") << "";
  std::ofstream(gate) << "";  // no sync is held
  const auto a = write_array<float>(world.folder() / "a.npy", {10}, 1);
  const fs::path target = world.folder() / "out.npy";
  order(world, 1, ReduceOp::kSum, {{a}, {a}}, target);
  ASSERT_TRUE(world.until([&] { return fs::exists(gate + ".begun"); }));
  const size_t pulses = world.pulses(0);
  EXPECT_TRUE(world.until([&] { return world.pulses(0) >= pulses + 3; }));
  EXPECT_TRUE(world.frames(0).empty());
  fs::remove(gate + ".writes");
  EXPECT_EQ(answer(world).error, "");
  EXPECT_EQ(model::read_npy<float>(target)->values[3], 2 * element<float>(1, 3));
}

TEST(Reduce, ACountThatDoesNotFitIsAnErrorThatNamesTheElement) {  // 2 ranks
  RankWorld world(2);
  ASSERT_TRUE(world.up());
  constexpr size_t kElements = 200'000, kLarge = 150'000;
  std::vector<uint16_t> values(kElements, 1);
  values[kLarge] = 40'000;
  const fs::path file = world.folder() / "a.npy", target = world.folder() / "out.npy";
  const std::vector<size_t> shape{kElements};
  ASSERT_TRUE(model::write_npy<uint16_t>(file, shape, values));
  order(world, 1, ReduceOp::kSum, {{file.string()}, {file.string()}}, target);
  const auto done = answer(world);
  EXPECT_NE(done.error.find("the sum of element 150000 does not fit in <u2"), std::string::npos)
      << done.error;
  EXPECT_FALSE(fs::exists(target));
}

TEST(Reduce, ArraysWithoutElementsGiveOne) {  // 2 ranks
  RankWorld world(2);
  ASSERT_TRUE(world.up());
  const auto a = write_array<double>(world.folder() / "a.npy", {0, 4}, 1);
  order(world, 1, ReduceOp::kMax, {{}, {a}}, world.folder() / "out.npy");
  ASSERT_EQ(answer(world).error, "");
  EXPECT_EQ(model::read_npy<double>(world.folder() / "out.npy")->shape,
            (std::vector<size_t>{0, 4}));
}

}  // namespace
}  // namespace mnp::comms
