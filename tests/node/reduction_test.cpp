#include "mnp/node/reduction.hpp"

#include <map>
#include <set>

#include "mnp/model/history.hpp"

#include "stage_fixture.hpp"

namespace mnp::node {
namespace {

class ReductionTest : public StageTest {
 protected:
  ReductionTest() { spec().reduce = model::Reduce{"*.npy", model::ReduceOp::kSum}; }

  static model::Record record(uint32_t command, const std::vector<std::string>& partials,
                              uint32_t start = 1) {
    model::Record made;
    made.command = CommandIndex(command);
    made.start = start;
    made.node = NodeIndex(3);
    made.incarnation = Incarnation(2);
    for (const std::string& path : partials) made.files.push_back({path, 8, 0, true});
    return made;
  }
  std::string partial(uint32_t command, const std::string& path, uint32_t start = 1) const {
    return fmt::format("a-1/partials/node-0003.2/{}-{}/{}", command, start, path);
  }
  void start(uint32_t nodes) {
    std::vector<NodeIndex> list{NodeIndex(kMain)};
    for (uint32_t i = 0; list.size() < nodes; ++i)
      if (i != kMain) list.push_back(NodeIndex(i));
    orders.clear();
    reduction.start(list);
  }
  /// What nodes and ranks do with it: the array is there.
  void finish(const std::string& array) { reduction.done({id_of(array), "", 0}); }
  uint64_t id_of(const std::string& array) const {
    for (const auto& [node, order] : orders)
      if (order.target == array) return order.id;
    return 0;
  }
  std::vector<std::string> ordered() const {  // arrays, in main's orders
    std::vector<std::string> arrays;
    for (const auto& [node, order] : orders)
      if (node == NodeIndex(kMain)) arrays.push_back(order.target);
    return arrays;
  }
  void add(const std::string& attempt, const model::Record& record) {
    reduction.add(attempt, record, record.command);
  }

  std::vector<std::pair<NodeIndex, model::ReduceOrder>> orders;
  Status unpublished;
  std::vector<model::ReduceOrder> begun;  // by main's rank
  std::vector<model::ResultFile> reduced;
  std::vector<std::string> stuck;
  std::vector<Status> finished;
  Reduction reduction{context,
                      {[this](NodeIndex node, const model::ReduceOrder& order) {
                         orders.emplace_back(node, order);
                       },
                       [this](const model::ReduceOrder& own) { begun.push_back(own); },
                       [this](uint64_t id, const std::string& path) {
                         if (unpublished)
                           reduction.published(id, model::ResultFile{path, 8, 0, false});
                         else
                           reduction.published(id, fail(unpublished.error()));
                       },
                       [this](const model::ResultFile& file) { reduced.push_back(file); },
                       [this](const std::string& why) { stuck.push_back(why); },
                       [this](const Status& done) { finished.push_back(done); }}};
};

TEST_F(ReductionTest, ManyNamesAreHandedOutBitByBit) {
  const size_t each = sizeof(uint32_t) + reduction.prefix() + partial(10000, "a.npy").size();
  const auto commands = static_cast<uint32_t>(3 * Reduction::kMaxNamesOut / each);
  for (uint32_t i = 0; i < commands; ++i) add("a-1", record(10000 + i, {"a.npy"}));
  start(4);
  std::set<NodeIndex> heard;
  while (begun.empty()) {
    ASSERT_LE(orders.size() - heard.size(), 2U);
    ASSERT_GT(orders.size(), heard.size());
    const auto [node, order] = orders[heard.size()];
    ASSERT_TRUE(heard.insert(node).second);
    reduction.held(node, {order.id, "", 0});
  }
  EXPECT_EQ(heard.size(), 4U);
}

TEST_F(ReductionTest, NothingIsWantedWithoutPartials) {
  EXPECT_FALSE(reduction.wanted());
  model::Record failed = record(0, {"a.npy"});
  failed.ending.value = 1;
  add("a-1", failed);
  model::Record plain = record(1, {"a.npy"});
  plain.files[0].partial = false;
  add("a-1", plain);
  EXPECT_FALSE(reduction.wanted());
  add("a-1", record(2, {"a.npy"}));
  EXPECT_TRUE(reduction.wanted());
}

TEST_F(ReductionTest, NodesGetNeighbouringCommandsInListOrder) {
  for (const uint32_t command : {4U, 0U, 3U, 1U, 2U})  // kept in any order
    add("a-1", record(command, {"a.npy"}));
  start(2);
  ASSERT_EQ(orders.size(), 2U);
  EXPECT_EQ(orders[0].first, NodeIndex(kMain));
  EXPECT_EQ(orders[0].second.files,
            (std::vector<std::string>{partial(0, "a.npy"), partial(1, "a.npy")}));
  EXPECT_EQ(
      orders[1].second.files,
      (std::vector<std::string>{partial(2, "a.npy"), partial(3, "a.npy"), partial(4, "a.npy")}));
  EXPECT_EQ(orders[0].second.id, orders[1].second.id);
  EXPECT_EQ(orders[0].second.target, "a.npy");
  EXPECT_EQ(orders[1].second.target, "");
}

TEST_F(ReductionTest, ANodeWithoutAShareTakesPartAllTheSame) {
  add("a-1", record(0, {"a.npy"}));
  start(3);
  ASSERT_EQ(orders.size(), 3U);
  size_t files = 0;
  for (const auto& [node, order] : orders) files += order.files.size();
  EXPECT_EQ(files, 1U);
}

TEST_F(ReductionTest, MainsRankBeginsOnceEveryNodeHoldsItsShare) {
  add("a-1", record(0, {"a.npy"}));
  start(3);
  const uint64_t id = id_of("a.npy");
  for (const auto& [node, order] : orders) {
    EXPECT_TRUE(begun.empty());
    reduction.held(node, {id, "", 0});
    reduction.held(node, {id, "", 0});
  }
  ASSERT_EQ(begun.size(), 1U);
  EXPECT_EQ(begun[0].id, id);
  EXPECT_EQ(begun[0].target, "a.npy");
}

TEST_F(ReductionTest, AShareThatCannotBeBroughtEndsIt) {
  add("a-1", record(0, {"a.npy"}));
  start(2);
  reduction.held(NodeIndex(0),
                 {id_of("a.npy"), "no such bucket", static_cast<uint32_t>(Code::kStore)});
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].error().code, Code::kStore);
  EXPECT_EQ(finished[0].error().text, "reduce a.npy: node 0: no such bucket");
  EXPECT_TRUE(begun.empty());
}

TEST_F(ReductionTest, ACommandThatIsKeptTwiceCountsOnce) {
  add("a-1", record(0, {"a.npy"}));
  add("a-1", record(0, {"a.npy"}, 2));
  start(1);
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].second.files, std::vector<std::string>{partial(0, "a.npy")});
}

TEST_F(ReductionTest, ArraysFollowEachOtherWithSomeAhead) {
  std::vector<std::string> all;
  for (int i = 0; i < 7; ++i) all.push_back(fmt::format("{}.npy", i));
  add("a-1", record(0, all));
  start(2);
  EXPECT_EQ(ordered().size(), Reduction::kAhead);
  for (const std::string& array : all) {
    EXPECT_TRUE(finished.empty());
    finish(array);
  }
  EXPECT_EQ(ordered(), all);
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_TRUE(finished[0]);
  ASSERT_EQ(reduced.size(), 7U);
  EXPECT_EQ(reduced[0].path, "0.npy");
  EXPECT_EQ(reduced[0].bytes, 8U);
}

TEST_F(ReductionTest, InterruptedItGoesOnWithWhatIsLeft) {
  add("a-1", record(0, {"0.npy", "1.npy", "2.npy"}));
  start(2);
  finish("1.npy");
  const uint64_t old = id_of("0.npy");
  reduction.interrupt();
  reduction.done({old, "", 0});  // late, of the world that is gone
  EXPECT_EQ(reduced.size(), 1U);
  start(1);
  EXPECT_EQ(ordered(), (std::vector<std::string>{"0.npy", "2.npy"}));
  EXPECT_NE(id_of("0.npy"), old);
  finish("0.npy");
  finish("2.npy");
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_TRUE(finished[0]);
}

TEST_F(ReductionTest, AnErrorEndsItAndNamesTheArray) {
  add("a-1", record(0, {"0.npy", "1.npy"}));
  start(2);
  reduction.done({id_of("1.npy"), "shapes differ", static_cast<uint32_t>(Code::kConfig)});
  ASSERT_EQ(finished.size(), 1U);
  ASSERT_FALSE(finished[0]);
  EXPECT_EQ(finished[0].error().code, Code::kConfig);
  EXPECT_EQ(finished[0].error().text, "reduce 1.npy: shapes differ");
  finish("0.npy");  // was under way
  EXPECT_EQ(finished.size(), 1U);
  EXPECT_TRUE(reduced.empty());
}

TEST_F(ReductionTest, CommandsWhoseArraysDoNotFitAreNamedWithWhatToDo) {
  for (const uint32_t command : {1U, 11U, 12U}) add("a-1", record(command, {"a.npy"}));
  start(2);
  const std::string differ = "arrays that are to be reduced differ: " + partial(1, "a.npy") +
                             " on node 1 holds <f4, but " + partial(12, "a.npy") + " holds <f8";
  reduction.done({id_of("a.npy"), differ, static_cast<uint32_t>(Code::kConfig)});
  ASSERT_EQ(finished.size(), 1U);
  ASSERT_FALSE(finished[0]);
  EXPECT_EQ(finished[0].error().code, Code::kConfig);
  const std::string& text = finished[0].error().text;
  EXPECT_EQ(text.rfind("reduce a.npy: " + differ, 0), 0U);
  EXPECT_NE(text.find("written by commands 1 and 12,"), std::string::npos) << text;
  EXPECT_NE(text.find("start a new run"), std::string::npos) << text;
}

TEST_F(ReductionTest, RanksThatDoNotComeTogetherAreTriedAgainInANewEpoch) {
  add("a-1", record(0, {"0.npy", "1.npy"}));
  start(2);
  finish("0.npy");
  reduction.done({id_of("1.npy"), "node 2: its agent has not ordered this reduction",
                  static_cast<uint32_t>(Code::kTimeout)});
  EXPECT_TRUE(finished.empty());
  ASSERT_EQ(stuck.size(), 1U);
  EXPECT_NE(stuck[0].find("node 2: its agent has not ordered"), std::string::npos);
  finish("1.npy");  // of the epoch that is over
  EXPECT_TRUE(finished.empty());
  start(2);
  EXPECT_EQ(ordered(), std::vector<std::string>{"1.npy"});
  finish("1.npy");
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_TRUE(finished[0]);
}

/// The folder of a partial has the number that its command had in the list of its own attempt.
TEST_F(ReductionTest, AnEditedListTakesEachCommandsOwnPartials) {
  MemoryStore store;
  const auto keys = context.keys();
  const auto list = model::CommandList::parse("a\nb\nc\n", "list");
  model::JournalWriter writer(store, context.attempt().journal());
  model::Begun first;
  first.list_digest = list->digest();
  writer.append(first);
  for (uint32_t i = 0; i < 3; ++i)
    writer.append(model::RecordKept{record(i, {"a.npy"}), list->identities()[i]});
  ASSERT_TRUE(writer.commit());
  ASSERT_TRUE(model::claim_stage(store, keys, context.me.job, context.me.attempt));
  const auto edited = model::CommandList::parse("new\nc\na\n", "list");  // b is gone
  model::HistoryCallbacks callbacks;
  callbacks.event = [](size_t, const model::Event&) {};
  callbacks.record = [&](size_t, const model::Record& kept, CommandIndex now) {
    reduction.add("a-1", kept, now);
  };
  ASSERT_TRUE(model::read_history(store, keys, *edited, callbacks));
  start(1);
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].second.files,
            (std::vector<std::string>{partial(2, "a.npy"), partial(0, "a.npy")}));
}

TEST_F(ReductionTest, AnArrayThatCannotBePublishedIsTheStoresFailure) {
  add("a-1", record(0, {"0.npy"}));
  unpublished = fail(Code::kStore, "0.npy: no such file");
  start(1);
  finish("0.npy");
  ASSERT_EQ(finished.size(), 1U);
  ASSERT_FALSE(finished[0]);
  EXPECT_EQ(finished[0].error().code, Code::kStore);
  EXPECT_EQ(finished[0].error().text, "reduce 0.npy: 0.npy: no such file");
  EXPECT_TRUE(reduced.empty());
}

TEST_F(ReductionTest, TheLargestShareFitsAFrameAndALargerOneIsRefused) {
  constexpr uint32_t kFirst = 1'000'000;  // numbers of one length
  std::string path;                       // as long as a file's may be
  while (path.size() + 256 < model::kMaxResultPath) path += std::string(255, 'a') + "/";
  path += "x.npy";
  const size_t one = sizeof(uint32_t) + reduction.prefix() + partial(kFirst, path).size();
  const auto most = static_cast<uint32_t>(Reduction::kMaxNames / one);
  for (uint32_t i = 0; i < 2 * most; ++i) add("a-1", record(kFirst + i, {path}));
  start(2);
  ASSERT_EQ(orders.size(), 1U);
  reduction.held(orders[0].first, {orders[0].second.id, "", 0});
  ASSERT_EQ(orders.size(), 2U);
  EXPECT_TRUE(finished.empty());
  for (const auto& [node, order] : orders) {
    EXPECT_EQ(order.files.size(), most);
    std::string bytes;  // as main's agent hands it to its rank; one over the limit aborts
    const std::string message =
        model::encode_message(model::Collect{order.id, order.op, order.files});
    append_frame(bytes, 0, encode(model::NodePayload{node, message}));
    append_frame(bytes, 0, encode(order));
    EXPECT_TRUE(model::decode_message(message));
  }
  add("a-1", record(kFirst + 2 * most, {path}));
  start(2);
  EXPECT_TRUE(orders.empty());  // nobody is asked for a part of what cannot be done
  ASSERT_EQ(finished.size(), 1U);
  ASSERT_FALSE(finished[0]);
  EXPECT_EQ(finished[0].error().code, Code::kConfig);
  EXPECT_NE(finished[0].error().text.find("use more nodes"), std::string::npos);
}

}  // namespace
}  // namespace mnp::node
