#include "mnp/model/rank_link.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "mnp/core/frame.hpp"

namespace mnp::model {
namespace {

const RankHello kHello{EpochNumber(3), NodeIndex(17), Rank(2), 4};
const NodePayload kPayload{NodeIndex(5), std::string("\0a\n", 3)};
const BroadcastOrder kBroadcastOrder{uint64_t{1} << 40, "/scratch/a file", "calibrate"};
const ReduceOrder kReduceOrder{9, 2, {"/p/1.npy", "", "/p/2.npy"}, "/scratch/sum.npy"};
const CollectiveDone kDone{9, "/p/1.npy: shapes differ", 5};

/// The bytes of each message and whether its own decoder accepts what it is given.
struct Case {
  const char* name;
  std::string bytes;
  std::function<Status(std::string_view)> decode;
};

template <class T>
std::function<Status(std::string_view)> status_of(Result<T> (*decode)(std::string_view)) {
  return [decode](std::string_view bytes) -> Status {
    MNP_CHECK(decode(bytes));
    return {};
  };
}

std::vector<Case> every_case() {
  return {{"rank hello", encode(kHello), status_of(decode_rank_hello)},
          {"node payload", encode(kPayload), status_of(decode_node_payload)},
          {"broadcast order", encode(kBroadcastOrder), status_of(decode_broadcast_order)},
          {"reduce order", encode(kReduceOrder), status_of(decode_reduce_order)},
          {"collective done", encode(kDone), status_of(decode_collective_done)}};
}

TEST(RankLink, HelloSurvives) {
  const auto read = decode_rank_hello(encode(kHello));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->epoch, kHello.epoch);
  EXPECT_EQ(read->node, kHello.node);
  EXPECT_EQ(read->rank, kHello.rank);
  EXPECT_EQ(read->size, kHello.size);
}

TEST(RankLink, PayloadSurvivesWithAnyBytes) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  for (const std::string& each : {bytes, kPayload.bytes, std::string()}) {
    const auto read = decode_node_payload(encode(NodePayload{NodeIndex(5), each}));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->node, NodeIndex(5));
    EXPECT_EQ(read->bytes, each);
  }
}

TEST(RankLink, OrdersAndTheirEndsSurvive) {
  const auto broadcast = decode_broadcast_order(encode(kBroadcastOrder));
  ASSERT_TRUE(broadcast);
  EXPECT_EQ(broadcast->id, kBroadcastOrder.id);
  EXPECT_EQ(broadcast->source, kBroadcastOrder.source);
  EXPECT_EQ(broadcast->name, kBroadcastOrder.name);
  const auto reduce = decode_reduce_order(encode(kReduceOrder));
  ASSERT_TRUE(reduce);
  EXPECT_EQ(reduce->id, kReduceOrder.id);
  EXPECT_EQ(reduce->op, kReduceOrder.op);
  EXPECT_EQ(reduce->files, kReduceOrder.files) << "the summing order is the files' order";
  EXPECT_EQ(reduce->target, kReduceOrder.target);
  const auto done = decode_collective_done(encode(kDone));
  ASSERT_TRUE(done);
  EXPECT_EQ(done->id, kDone.id);
  EXPECT_EQ(done->error, kDone.error);
  EXPECT_EQ(done->code, kDone.code);
}

TEST(RankLink, ShareOfANodeMayBeEmpty) {
  const auto read = decode_reduce_order(encode(ReduceOrder{1, 0, {}, ""}));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->files.empty());
}

// A change here must be meant: an agent and a rank of two builds would misread each other.
TEST(RankLink, LiesOnTheWireAsItAlwaysDid) {
  EXPECT_EQ(encode(kHello), std::string("\3\0\0\0\x11\0\0\0\2\0\0\0\4\0\0\0", 16));
  EXPECT_EQ(encode(kPayload), std::string("\5\0\0\0\3\0\0\0\0a\n", 11));
  EXPECT_EQ(encode(BroadcastOrder{1, "s", "nm"}),
            std::string("\1\0\0\0\0\0\0\0\1\0\0\0s\2\0\0\0nm", 19));
  EXPECT_EQ(encode(ReduceOrder{1, 2, {"f"}, "t"}),
            std::string("\1\0\0\0\0\0\0\0\2\1\0\0\0\1\0\0\0f\1\0\0\0t", 23));
  EXPECT_EQ(encode(CollectiveDone{1, "e", 5}),
            std::string("\1\0\0\0\0\0\0\0\1\0\0\0e\5\0\0\0", 17));
}

TEST(RankLink, NoticesEveryTruncationAndWhatIsLeftOver) {
  for (const Case& each : every_case()) {
    EXPECT_TRUE(each.decode(each.bytes)) << each.name;
    for (size_t size = 0; size < each.bytes.size(); ++size)
      EXPECT_FALSE(each.decode(std::string_view(each.bytes).substr(0, size)))
          << each.name << " cut to " << size;
    EXPECT_FALSE(each.decode(each.bytes + "x")) << each.name;
  }
}

TEST(RankLink, RefusalsNameTheMessage) {
  for (const Case& each : every_case()) {
    const auto refused = each.decode("");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kProtocol);
    EXPECT_NE(refused.error().text.find(each.name), std::string::npos) << refused.error().text;
  }
}

TEST(RankLink, RefusesCountsThatTheBytesCannotHold) {
  EXPECT_FALSE(decode_reduce_order(Encoder().u64(1).u8(0).u32(0xffffffff).text("t").take()));
  EXPECT_FALSE(decode_node_payload(Encoder().u32(1).u32(0xffffffff).take()));
}

}  // namespace
}  // namespace mnp::model
