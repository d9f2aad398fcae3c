#include "mnp/node/command_stage.hpp"

#include <algorithm>
#include <set>

#include "stage_fixture.hpp"

namespace mnp::node {
namespace {

using Start = std::pair<uint32_t, uint32_t>;  // command, number of the start
using Starts = std::set<Start>;

class CommandStageTest : public StageTest {
 protected:
  void open(const std::string& list, const std::vector<model::Event>& earlier = {},
            bool careful = false) {
    ASSERT_TRUE(context.store->put(context.keys().commands(), list));
    auto opened = CommandStage::open(loop, context);
    ASSERT_TRUE(opened) << opened.error().text;
    stage = std::move(*opened);
    context.plan.stages.front().commands = stage->list().size();
    for (const model::Event& event : earlier) stage->restore(event);
    open_journal([this](uint64_t through) { stage->committed(through); });
    model::Begun begun;
    begun.commands = stage->list().size();
    stage->begin(
        *journal, begun, careful,
        {[this](NodeIndex node, const model::Message& message) { take(node, message); },
         [this](const model::Record& record) { kept.push_back(record); }, [this] { ++finished; },
         [this](NodeIndex node, const std::string&) { bad.push_back(node.value()); }});
  }
  void take(NodeIndex node, const model::Message& message) {
    if (const auto* deal = std::get_if<model::Deal>(&message)) {
      last_was_suspect = deal->suspect;
      for (const auto& item : deal->items) {
        dealt[node.value()].insert({item.command.value(), item.start});
        lines.push_back(item.line);
      }
    } else if (const auto* acknowledged = std::get_if<model::Kept>(&message)) {
      for (const auto& item : acknowledged->items)
        acks[node.value()].push_back({item.command.value(), item.start});
    } else {
      ADD_FAILURE() << "main sends deals and acknowledgements only";
    }
  }
  void add(uint32_t node, uint32_t slots, uint32_t incarnation = 1) {
    stage->add_node(NodeIndex(node), Incarnation(incarnation), slots);
  }
  /// Lost, and nothing of it runs any more.
  void lose(uint32_t node) { stage->lose_node(NodeIndex(node), Clock::now(), false); }
  static model::Record record(uint32_t node, Start start, int exit = 0, uint32_t incarnation = 1) {
    model::Record made;
    made.command = CommandIndex(start.first);
    made.start = start.second;
    made.node = NodeIndex(node);
    made.incarnation = Incarnation(incarnation);
    made.ending.value = exit;
    return made;
  }
  void store(uint32_t node, Start start, int exit = 0, uint32_t incarnation = 1) {
    stage->stored(NodeIndex(node), {record(node, start, exit, incarnation)});
  }
  void ran(uint32_t node, Start start) {
    stage->ran(NodeIndex(node), {{{CommandIndex(start.first), start.second}}});
  }
  /// Nodes run and store what they have been dealt, until the stage has finished. `exit` says how
  /// a command ends on a node.
  bool work(const std::function<int(uint32_t node, uint32_t command)>& exit = {}) {
    Starts done;
    return until([&] {
      for (const auto& [node, starts] : std::map(dealt))
        for (const Start& start : starts)
          if (done.insert(start).second) store(node, start, exit ? exit(node, start.first) : 0);
      return finished > 0;
    });
  }

  std::unique_ptr<CommandStage> stage;
  std::map<uint32_t, Starts> dealt;  // by node
  std::map<uint32_t, std::vector<Start>> acks;
  bool last_was_suspect = false;
  std::vector<std::string> lines;
  std::vector<model::Record> kept;
  std::vector<uint32_t> bad;
  int finished = 0;
};

TEST_F(CommandStageTest, AListThatIsMissingIsAnError) {
  const auto opened = CommandStage::open(loop, context);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().text.find("commands.txt"), std::string::npos);
}

TEST_F(CommandStageTest, DealsLinesAndJournalsTheDeals) {
  open("echo 0\n# no\necho 1 # cost=3\necho 2\n");
  add(kMain, 1);
  add(2, 2);
  settle(Milliseconds(20));
  EXPECT_TRUE(lines.empty());  // no world yet
  stage->set_dealing(true);
  ASSERT_TRUE(until([&] { return lines.size() == 3; }));
  EXPECT_FALSE(dealt[kMain].empty());
  EXPECT_FALSE(dealt[2].empty());
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(lines, (std::vector<std::string>{"echo 0", "echo 1", "echo 2"}));
  ASSERT_TRUE(journal->flush(Clock::now() + kHangs));
  const auto identities = stage->list().identities();
  size_t items = 0;
  for (const auto& event : journaled<model::Dealt>())
    for (const auto& item : event.items) {
      EXPECT_EQ(item.identity, identities[item.command.value()]);
      ++items;
    }
  EXPECT_EQ(items, 3U);
}

TEST_F(CommandStageTest, AllIsDealtKeptAndFinishedOnce) {
  std::string list;
  for (int i = 0; i < 200; ++i) list += fmt::format("echo {}\n", i);
  open(list);
  for (const uint32_t node : {0U, 1U, 2U}) add(node, 2);
  stage->set_dealing(true);
  ASSERT_TRUE(work());
  settle(Milliseconds(50));
  stage->turn();
  settle(Milliseconds(50));
  EXPECT_EQ(finished, 1);
  EXPECT_EQ(kept.size(), 200U);
  EXPECT_EQ(lines.size(), 200U);
  EXPECT_EQ(stage->counts().succeeded, 200U);
  EXPECT_EQ(journaled<model::RecordKept>().size(), 200U);
  EXPECT_EQ(acks[0].size() + acks[1].size() + acks[2].size(), 200U);
}

TEST_F(CommandStageTest, NothingIsAcknowledgedBeforeItIsInTheJournal) {
  open("true\n");
  add(2, 1);
  stage->set_dealing(true);
  journal_store.shut(true);
  ran(2, {0, 1});
  store(2, {0, 1});
  settle();
  EXPECT_TRUE(acks.empty());
  EXPECT_TRUE(kept.empty());
  EXPECT_EQ(finished, 0);
  journal_store.shut(false);
  ASSERT_TRUE(until([&] { return finished == 1; }));
  EXPECT_EQ(acks[2], std::vector<Start>{Start(0, 1)});
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_TRUE(stage->finished());
}

TEST_F(CommandStageTest, ARecordSaidTwiceIsJournaledOnceAndAcknowledgedAgain) {
  open("true\ntrue\n");
  add(2, 2);
  stage->set_dealing(true);
  journal_store.shut(true);
  store(2, {0, 1});
  store(2, {0, 1});  // in a new epoch, while the first is on its way
  journal_store.shut(false);
  ASSERT_TRUE(until([&] { return kept.size() == 1; }));
  store(2, {0, 1});  // the acknowledgement was lost
  EXPECT_EQ(acks[2], (std::vector<Start>{{0, 1}, {0, 1}}));
  ASSERT_TRUE(journal->flush(Clock::now() + kHangs));
  EXPECT_EQ(journaled<model::RecordKept>().size(), 1U);
  EXPECT_EQ(kept.size(), 1U);
}

TEST_F(CommandStageTest, WhatWasLostWithItsEpochIsSaidAgainAndNothingElse) {
  open("true\ntrue\ntrue\ntrue\n");
  add(2, 4);
  stage->set_dealing(true);
  ASSERT_TRUE(until([&] { return dealt[2].size() == 4; }));
  stage->set_dealing(false);
  ran(2, {0, 1});
  store(2, {1, 1});
  dealt.clear();
  stage->held(NodeIndex(2), {{{CommandIndex(2), 1}}});
  EXPECT_EQ(dealt[2], (Starts{{3, 1}}));
  dealt.clear();
  stage->held(NodeIndex(2), {{{CommandIndex(2), 1}, {CommandIndex(3), 1}}});
  EXPECT_TRUE(dealt[2].empty());
}

/// What a node holds it says once it is in the new world, which deals may have reached first.
TEST_F(CommandStageTest, WhatIsDealtInThisEpochIsNotLostWithTheLast) {
  open("true\ntrue\n");
  add(2, 1);
  stage->set_dealing(true);
  ASSERT_TRUE(until([&] { return !dealt[2].empty(); }));
  const Starts first = dealt[2];
  stage->set_dealing(false);
  stage->set_dealing(true);
  for (const Start& start : first) store(2, start);
  add(2, 1, 1);
  ASSERT_TRUE(until([&] { return dealt[2].size() == 2; }));
  dealt.clear();
  stage->held(NodeIndex(2), {});
  EXPECT_TRUE(dealt[2].empty());
}

TEST_F(CommandStageTest, RecordsOfAnEndedIncarnationAreRefused) {
  open("true\n");
  add(2, 1);
  stage->set_dealing(true);
  ASSERT_TRUE(until([&] { return dealt[2].size() == 1; }));
  lose(2);
  add(2, 1, 2);
  stage->turn();
  ASSERT_TRUE(until([&] { return dealt[2].count({0, 2}) == 1; }));
  store(2, {0, 1}, 0, 1);
  settle();
  EXPECT_TRUE(kept.empty());
  EXPECT_TRUE(acks.empty());
  store(2, {0, 2}, 0, 2);
  ASSERT_TRUE(until([&] { return finished == 1; }));
  EXPECT_EQ(kept.size(), 1U);
}

TEST_F(CommandStageTest, RecordsThatMakeNoSenseAreLeftOut) {
  open("true\n");
  add(2, 1);
  stage->set_dealing(true);
  stage->stored(NodeIndex(2), {record(3, {0, 1})});  // of another node
  store(2, {77, 1});                                 // beyond the list
  store(2, {0, 9});                                  // never started
  stage->ran(NodeIndex(3), {{{CommandIndex(0), 1}}});
  stage->held(NodeIndex(3), {});
  settle(Milliseconds(50));
  EXPECT_TRUE(kept.empty());
  EXPECT_TRUE(acks.empty());
}

TEST_F(CommandStageTest, WhatALostNodeHeldWaitsForTheEndOfItsLease) {
  open("true\n");
  add(2, 1);
  stage->set_dealing(true);
  ASSERT_TRUE(until([&] { return dealt[2].size() == 1; }));
  add(3, 1);
  const TimePoint from = Clock::now() + Milliseconds(200);
  stage->lose_node(NodeIndex(2), from, false);
  ASSERT_TRUE(until([&] { return dealt[3].count({0, 2}) == 1; }));
  EXPECT_GE(Clock::now(), from);
}

TEST_F(CommandStageTest, AGoodbyeIsNoLossAndDealsAtOnce) {
  open("true\n");
  for (uint32_t i = 1; i <= 5; ++i) {  // far more often than a command may be lost
    add(2, 1, i);
    stage->set_dealing(true);
    ASSERT_TRUE(until([&] { return dealt[2].count({0, i}) == 1; }));
    stage->lose_node(NodeIndex(2), Clock::now(), true);
  }
  EXPECT_EQ(stage->counts().poisoned, 0U);
  EXPECT_EQ(stage->counts().waiting, 1U);
}

TEST_F(CommandStageTest, SuspectsAreJournaledBeforeTheyAreSentAndPoisonedAtTheThirdLoss) {
  open("true\n");
  stage->set_dealing(true);
  for (const uint32_t start : {1U, 2U}) {
    add(2, 1, start);
    stage->turn();
    ASSERT_TRUE(until([&] { return dealt[2].count({0, start}) == 1; }));
    lose(2);
  }
  journal_store.shut(true);
  add(2, 1, 3);
  stage->turn();
  settle();
  EXPECT_EQ(dealt[2].count({0, 3}), 0U);
  journal_store.shut(false);
  ASSERT_TRUE(until([&] { return dealt[2].count({0, 3}) == 1; }));
  EXPECT_TRUE(journaled<model::Dealt>().back().suspect);
  EXPECT_TRUE(last_was_suspect);
  dealt[2].clear();
  stage->set_dealing(false);
  stage->set_dealing(true);
  stage->held(NodeIndex(2), {});  // it was lost with its world
  EXPECT_EQ(dealt[2].count({0, 3}), 1U);
  EXPECT_TRUE(last_was_suspect);
  EXPECT_EQ(finished, 0);
  lose(2);
  ASSERT_TRUE(until([&] { return finished == 1; }));
  EXPECT_EQ(stage->counts().poisoned, 1U);
  ASSERT_TRUE(journal->flush(Clock::now() + kHangs));
  const auto poisoned = journaled<model::Poisoned>();
  ASSERT_EQ(poisoned.size(), 1U);
  EXPECT_EQ(poisoned[0].identity, stage->list().identities()[0]);
}

TEST_F(CommandStageTest, ADealThatWaitedForTheJournalWhenItsNodeDiedIsNoLoss) {
  open("true\n");
  stage->set_dealing(true);
  for (const uint32_t start : {1U, 2U}) {
    add(2, 1, start);
    stage->turn();
    ASSERT_TRUE(until([&] { return dealt[2].count({0, start}) == 1; }));
    lose(2);
  }
  for (const uint32_t incarnation : {3U, 4U, 5U}) {
    journal_store.shut(true);
    add(2, 1, incarnation);
    stage->turn();
    settle(Milliseconds(30));
    lose(2);
    journal_store.shut(false);
    ASSERT_TRUE(journal->flush(Clock::now() + kHangs));
  }
  settle(Milliseconds(30));
  EXPECT_EQ(stage->counts().poisoned, 0U);
  EXPECT_EQ(dealt[2], (Starts{{0, 1}, {0, 2}}));
  add(3, 1);
  stage->turn();
  EXPECT_TRUE(until([&] { return dealt[3].size() == 1; }));
}

TEST_F(CommandStageTest, ADealThatFindsNoWorldWaitsForTheNextAndIsNoLoss) {
  open("true\n");
  stage->set_dealing(true);
  for (const uint32_t start : {1U, 2U}) {
    add(2, 1, start);
    stage->turn();
    ASSERT_TRUE(until([&] { return dealt[2].count({0, start}) == 1; }));
    lose(2);
  }
  for (const uint32_t incarnation : {3U, 4U}) {
    journal_store.shut(true);
    add(2, 1, incarnation);
    stage->turn();
    stage->set_dealing(false);
    journal_store.shut(false);
    ASSERT_TRUE(journal->flush(Clock::now() + kHangs));
    settle(Milliseconds(30));
    EXPECT_EQ(dealt[2].size(), 2U) << "there is no world";
    if (incarnation == 3) lose(2);
    stage->set_dealing(true);
  }
  EXPECT_EQ(stage->counts().poisoned, 0U);
  ASSERT_TRUE(until([&] { return dealt[2].size() == 3; }));
  store(2, {0, 4}, 0, 4);
  EXPECT_TRUE(until([&] { return finished == 1; }));
}

TEST_F(CommandStageTest, ANodeWhereCommandsFailThatSucceedElsewhereIsBad) {
  std::string list;
  for (int i = 0; i < 60; ++i) list += fmt::format("echo {}\n", i);
  open(list);
  for (const uint32_t node : {0U, 1U, 2U}) add(node, 1);
  stage->set_dealing(true);
  ASSERT_TRUE(work([](uint32_t node, uint32_t) { return node == 2 ? 1 : 0; }));
  EXPECT_EQ(stage->counts().succeeded, 60U);
  EXPECT_EQ(bad, std::vector<uint32_t>{2});
  ASSERT_TRUE(journal->flush(Clock::now() + kHangs));
  const auto journaled_bad = journaled<model::NodeBad>();
  ASSERT_EQ(journaled_bad.size(), 1U);
  EXPECT_EQ(journaled_bad[0].node, NodeIndex(2));
  EXPECT_FALSE(journaled_bad[0].reason.empty());
}

TEST_F(CommandStageTest, AStageWhoseCommandsFailEverywhereEndsWithEachRunOnce) {
  std::string list;
  for (int i = 0; i < 60; ++i) list += fmt::format("echo {}\n", i);
  open(list);
  for (const uint32_t node : {0U, 1U, 2U}) add(node, 1);
  stage->set_dealing(true);
  ASSERT_TRUE(work([](uint32_t, uint32_t) { return 1; }));
  EXPECT_EQ(stage->counts().failed, 60U);
  EXPECT_EQ(lines.size(), 60U);
  EXPECT_TRUE(bad.empty());
}

TEST_F(CommandStageTest, CommandsThatAreBrokenThemselvesMakeNoNodeBad) {
  std::string list;
  for (int i = 0; i < 90; ++i) list += fmt::format("echo {}\n", i);
  open(list);
  for (const uint32_t node : {0U, 1U, 2U}) add(node, 1);
  stage->set_dealing(true);
  ASSERT_TRUE(work([](uint32_t, uint32_t command) { return command >= 30 && command < 60; }));
  EXPECT_EQ(stage->counts().failed, 30U);
  EXPECT_EQ(stage->counts().succeeded, 60U);
  EXPECT_TRUE(bad.empty());
  EXPECT_LE(lines.size(), 100U) << "a few were tried elsewhere";
}

TEST_F(CommandStageTest, OneNodeAloneIsNeverBad) {
  std::string list;
  for (int i = 0; i < 60; ++i) list += fmt::format("echo {}\n", i);
  open(list);
  add(2, 1);
  stage->set_dealing(true);
  ASSERT_TRUE(work([](uint32_t, uint32_t command) { return command >= 10; }));
  EXPECT_EQ(lines.size(), 60U);
  EXPECT_TRUE(bad.empty());
}

TEST_F(CommandStageTest, AfterALostMainItsOwnDealsAreJournaledFirst) {
  open("true\ntrue\n", {}, true);
  journal_store.shut(true);
  add(kMain, 1);
  add(2, 1);
  stage->set_dealing(true);
  ASSERT_TRUE(until([&] { return dealt[2].size() == 1; }));
  settle();
  EXPECT_TRUE(dealt[kMain].empty());
  journal_store.shut(false);
  EXPECT_TRUE(until([&] { return dealt[kMain].size() == 1; }));
}

TEST_F(CommandStageTest, WhatWasFinalBeforeIsNotRunAndTheEndIsToldOnce) {
  const auto identities = model::CommandList::parse("a\nb\n", "list")->identities();
  std::vector<model::Event> earlier{model::Begun{}};
  for (uint32_t i = 0; i < 2; ++i)
    earlier.emplace_back(model::RecordKept{record(0, {i, 1}), identities[i]});
  earlier.emplace_back(model::Ended{});
  open("a\nb\n", earlier);
  add(kMain, 2);
  settle(Milliseconds(20));
  EXPECT_EQ(finished, 0);  // before the stage deals there is nobody to be told
  stage->set_dealing(true);
  ASSERT_TRUE(until([&] { return finished == 1; }));
  stage->turn();
  stage->set_dealing(true);
  settle(Milliseconds(50));
  EXPECT_EQ(finished, 1);
  EXPECT_TRUE(lines.empty());
}

TEST_F(CommandStageTest, AFailedTryIsDealtAgainUntilTheLast) {
  spec().tries = 2;
  open("false\n");
  add(2, 1);
  stage->set_dealing(true);
  store(2, {0, 1}, 3);
  ASSERT_TRUE(until([&] { return dealt[2].count({0, 2}) == 1; }));
  EXPECT_EQ(finished, 0);
  store(2, {0, 2}, 3);
  ASSERT_TRUE(until([&] { return finished == 1; }));
  EXPECT_EQ(stage->counts().failed, 1U);
}

TEST_F(CommandStageTest, StoppedItDealsNoMoreAndKeepsWhatIsInFlight) {
  open("true\ntrue\ntrue\n");
  add(2, 1);
  stage->set_dealing(true);
  ASSERT_TRUE(until([&] { return !dealt[2].empty(); }));
  const Starts before = dealt[2];
  stage->stop_dealing();
  for (const Start& start : before) store(2, start);
  ASSERT_TRUE(until([&] { return kept.size() == before.size(); }));
  settle(Milliseconds(50));
  EXPECT_EQ(dealt[2], before);
  EXPECT_TRUE(stage->finished());
}

TEST_F(CommandStageTest, ABlockOfANodeThatNeverJoinsIsForEverybody) {
  spec().distribution = model::Distribution::kBlock;
  context.me.nodes = 2;
  open("a\nb\nc\nd\n");
  add(kMain, 4);
  stage->set_dealing(true);
  ASSERT_TRUE(until([&] { return dealt[kMain].size() == 2; }));
  settle(Milliseconds(20));
  EXPECT_EQ(dealt[kMain], (Starts{{2, 1}, {3, 1}}));  // main is node 1
  stage->lose_node(NodeIndex(0), Clock::now(), true);
  ASSERT_TRUE(until([&] { return dealt[kMain].size() == 4; }));
}

}  // namespace
}  // namespace mnp::node
